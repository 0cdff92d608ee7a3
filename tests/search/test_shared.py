"""Workers that share a storage: as many trials count as were asked for, whoever joins, is killed or leaves."""

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("optuna")

from optuna.trial import TrialState

from corenet.experiments import experiment
from corenet.search import results
from corenet.search.accounts import AGAIN, WITHDRAWN, counted, lost
from corenet.search.space import suggested
from corenet.search.sweep import _try, _work, sweep
from corenet.search.trial import Objective
from corenet.search.workers import WORKER, is_dead

TRIALS = 30


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
    return found


def ended_well(workers):
    for each in workers:
        said = each.communicate(timeout=240)
        assert each.returncode == 0, said


def all_accounted_for(asked, folder):
    trials = asked.study().get_trials()
    done = counted(trials)
    assert len(done) == asked.trials
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert len({tuple(trial.params.items()) for trial in done}) == asked.trials
    assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    assert not lost(trials)
    again = Counter(trial.user_attrs[AGAIN] for trial in done if AGAIN in trial.user_attrs)
    assert set(again.values()) <= {1}
    for number in again:
        left, (redone,) = trials[number], [each for each in done if each.user_attrs.get(AGAIN) == number]
        assert left.state is TrialState.FAIL
        assert left.params.items() <= redone.params.items()
    best = results.best_first(asked.study())[0]
    written = experiment(str(folder / "best.toml"))
    assert written.recipe.optimizer["lr"] == best.params["optimizer.lr"]
    assert asked.objective.trained(written) == best.value
    assert len((folder / "trials.csv").read_text(encoding="utf-8").splitlines()) == 1 + asked.trials
    return trials


def test_one_is_killed_one_is_told_to_stop_and_one_joins(search, worker, storage, tmp_path):
    asked = search(TRIALS, storage=storage)
    workers = [worker(storage, TRIALS) for _ in range(3)]
    wait_for(lambda: len(counted(asked.study().get_trials())) >= 3)
    workers[0].kill()
    workers.append(worker(storage, TRIALS))
    wait_for(lambda: len(counted(asked.study().get_trials())) >= 8)
    workers[1].send_signal(signal.SIGTERM)
    _, said = workers[1].communicate(timeout=240)
    ended_well(workers[2:])
    all_accounted_for(asked, tmp_path / "out2")
    all_accounted_for(asked, tmp_path / "out3")
    if workers[1].returncode:  # it may have been done before it heard
        assert (workers[1].returncode, said.strip()) == (143, "corenet: stopped; the same command goes on")


def test_what_a_killed_worker_had_begun_is_done_again_by_one_that_waits(search, worker, storage, tmp_path, monkeypatch):
    """The last trial is the one that is lost, when nothing is left to begin."""
    asked = search(1, storage=storage)
    slow = worker(storage, 1, "--set", "epochs=100000000")
    other = search(1, storage=storage)
    other.objective.changes = ("epochs=100000000",)

    def begun():
        return [trial for trial in other.study().get_trials() if trial.state is TrialState.RUNNING and trial.params]

    (left,) = wait_for(begun)
    slow.kill()
    slow.wait()
    study = other.study()
    monkeypatch.setattr(Objective, "__call__", lambda self, trial: suggested(trial, *next(iter(self.params.items()))))
    sweep(other)
    first, again = study.get_trials()
    assert (first.state, again.state) == (TrialState.FAIL, TrialState.COMPLETE)
    assert again.params == left.params
    assert again.user_attrs[AGAIN] == 0
    assert asked.trials == len(counted(study.get_trials()))


def test_two_commands_of_one_seed_try_different_values(search, storage):
    sweep(search(2, storage=storage))
    sweep(search(5, storage=storage))
    tried = [trial.params["optimizer.lr"] for trial in search(storage=storage).study().get_trials()]
    assert len(set(tried)) == 5
    assert tried[:3] == tried_at_once(search)


def tried_at_once(search):
    asked = search(3, storage="sqlite://")
    study = asked.study()

    _work(asked, study, None)
    return [trial.params["optimizer.lr"] for trial in study.get_trials()]


def test_what_is_one_too_many_withdraws(search, storage):
    asked = search(2, storage=storage)
    study = asked.study()
    others = [study.ask() for _ in range(3)]
    for trial in others[:2]:
        study.tell(trial, 1.0)

    _try(asked, study, None)
    last = study.get_trials()[-1]
    assert (last.state, last.user_attrs[WITHDRAWN]) == (TrialState.FAIL, True)


def spawned(process):
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
    return [int(each) for each in children if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for the worker in /proc")
def test_a_worker_of_the_command_that_is_killed_is_one_line(search, worker, tmp_path):
    storage = str(tmp_path / "journal.log")
    first = worker(storage, TRIALS, "--workers", "2")
    (other, *_) = wait_for(lambda: spawned(first))
    os.kill(other, signal.SIGKILL)
    _, said = first.communicate(timeout=240)
    assert first.returncode == 0
    assert said.count("a worker was ended by SIGKILL before it was done") == 1
    assert said.count("\n") == 1
    all_accounted_for(search(TRIALS, storage=storage), tmp_path / "out0")


def test_with_the_first_all_workers_of_a_command_stop(search, worker, tmp_path):
    storage = str(tmp_path / "journal.log")
    first = worker(storage, 10**6, "--workers", "3")
    study = search(storage=storage).study()
    workers = lambda: {trial.user_attrs[WORKER] for trial in study.get_trials() if WORKER in trial.user_attrs}  # noqa: E731
    wait_for(lambda: len(workers()) == 3)
    first.send_signal(signal.SIGTERM)
    _, said = first.communicate(timeout=120)
    assert first.returncode == 143
    assert said.strip() == "corenet: stopped; the same command goes on"
    assert all(is_dead(each) for each in workers())
    assert not [trial for trial in study.get_trials() if trial.state is TrialState.WAITING]
