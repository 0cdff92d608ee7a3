"""Who is gone: a process that is over, here, and one elsewhere that has been silent for long by one's own clock."""

import os
import subprocess
import sys
import time

import pytest

pytest.importorskip("optuna")

from optuna.trial import TrialState

from corenet.search import workers
from corenet.search.workers import BEAT, WORKER, Others, heard, is_dead, me

ELSEWHERE = "another machine:1:1"


@pytest.fixture
def begun(search):
    """Return a study with a trial that somebody is at, and what gives its trials."""
    study = search().study()
    trial = study.ask()
    return study, trial


def process(code):
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


WHO = "from corenet.search.workers import me; print(me(), flush=True)"


def test_a_process_is_dead_when_it_is_over_reaped_or_not():
    child = process(f"{WHO}; input()")
    name = child.stdout.readline().strip()
    assert not is_dead(name)
    assert not is_dead(me())
    child.kill()
    deadline = time.monotonic() + 30
    while not is_dead(name):  # nobody has waited for it: it is a zombie
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.communicate()
    assert is_dead(name)


def test_a_number_that_another_process_has_now_is_not_taken_for_the_worker():
    place, number, started = me().rsplit(":", 2)
    assert started
    assert is_dead(f"{place}:{number}:{int(started) - 1}")
    assert not is_dead(f"another place:{number}:{int(started) - 1}")


def test_one_elsewhere_is_gone_when_it_was_silent_for_long(begun, monkeypatch):
    study, trial = begun
    trial.set_user_attr(WORKER, ELSEWHERE)
    others, clock = Others(), [0.0]
    monkeypatch.setattr(workers.time, "monotonic", lambda: clock[0])

    def gone():
        return [each.number for each in others.gone(study.get_trials())]

    assert gone() == []
    clock[0] = workers.SILENCE - 1
    assert gone() == []
    trial.set_user_attr(BEAT, 1)
    clock[0] += 10
    assert gone() == []
    clock[0] += workers.SILENCE - 1
    assert gone() == []
    clock[0] += 2
    assert gone() == [0]


def test_one_without_a_name_is_waited_for_as_long_as_it_takes_to_say_it(begun, monkeypatch):
    study, _ = begun
    others, clock = Others(), [0.0]
    monkeypatch.setattr(workers.time, "monotonic", lambda: clock[0])
    assert others.gone(study.get_trials()) == []
    clock[0] = workers.NAMELESS + 1
    assert [each.number for each in others.gone(study.get_trials())] == [0]


def test_what_a_dead_process_or_this_one_has_left_is_gone_at_once(begun):
    study, trial = begun
    place, number, started = me().rsplit(":", 2)
    trial.set_user_attr(WORKER, f"{place}:{number}:{int(started) - 1}")
    other = study.ask()
    other.set_user_attr(WORKER, me())
    assert [each.number for each in Others().gone(study.get_trials())] == [0, 1]


def test_a_worker_beats_while_it_is_at_a_trial(begun, monkeypatch):
    study, trial = begun
    monkeypatch.setattr(workers, "BEAT_SECONDS", 0.02)
    with heard(trial):
        deadline = time.monotonic() + 30
        while study.get_trials()[0].user_attrs.get(BEAT, 0) < 3:
            assert time.monotonic() < deadline
    study.tell(trial, state=TrialState.FAIL)
    with heard(trial):  # taken for gone: that the storage refuses is told at its end
        time.sleep(0.1)


def test_two_machines_are_two_places():
    assert me().split(":")[0] == workers._place()
    assert os.getpid() == int(me().split(":")[1])
