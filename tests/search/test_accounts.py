"""The accounts: whatever the order in which workers look, begin, end and die, exactly so many trials count."""

import random
from collections import Counter

import pytest

pytest.importorskip("optuna")

import optuna
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.trial import TrialState

from corenet.search.accounts import AGAIN, REASON, WITHDRAWN, counted, is_free, lost, stands
from corenet.search.journal import Journal


def a_worker(study, wanted, deaths):
    """Do what a worker does, one look or one writing at a time: others come between; it may die at each."""
    while True:
        trials = study.get_trials()
        yield
        for trial in lost(trials):
            study.enqueue_trial(trial.params, user_attrs={AGAIN: trial.number})
            yield
        trials = study.get_trials()
        yield
        if len(counted(trials)) >= wanted:
            return
        if not is_free(trials, wanted):
            yield
            continue
        trial = study.ask()
        deaths.at = trial.number
        yield
        trials = study.get_trials()
        yield
        if stands(trial.number, trials, wanted):
            trial.suggest_float("x", 0, 1)
            yield
            study.tell(trial, 0.0)
        else:
            trial.set_user_attr(WITHDRAWN, True)
            yield
            study.tell(trial, state=TrialState.FAIL)
        deaths.at = None


class Deaths:
    """Which trial a worker is at."""

    def __init__(self, draw):
        self.draw, self.at = draw, None


def race(study, seed, workers=6, wanted=15, kills=4):
    draw = random.Random(seed)
    running = []
    for _ in range(workers):
        deaths = Deaths(draw)
        running.append((a_worker(study, wanted, deaths), deaths))
    for steps in range(100_000):
        if not running:
            return steps
        each = draw.choice(running)
        if kills and len(running) > 1 and draw.random() < 0.03:
            kills -= 1
            running.remove(each)
            dead = Deaths(draw)
            if draw.random() < 0.5:  # another joins
                running.append((a_worker(study, wanted, dead), dead))
            if each[1].at is not None and study.get_trials()[each[1].at].state is TrialState.RUNNING:
                study.tell(each[1].at, state=TrialState.FAIL)  # seen by another, which is tested elsewhere
            continue
        try:
            next(each[0])
        except StopIteration:
            running.remove(each)
    raise AssertionError("it has no end")


@pytest.fixture(autouse=True)
def _quiet():
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)


@pytest.mark.parametrize("kind", ["memory", "journal"])
def test_whoever_comes_between_exactly_so_many_count(kind, tmp_path):
    seeds = [random.randrange(2**32) for _ in range(40 if kind == "memory" else 4)]
    withdrawn = again = 0
    for number, seed in enumerate(seeds):
        storage = InMemoryStorage() if kind == "memory" else JournalStorage(Journal(str(tmp_path / f"{number}.log")))
        study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=seed))
        race(study, seed)
        trials = study.get_trials()
        redone = Counter(trial.user_attrs[AGAIN] for trial in counted(trials) if AGAIN in trial.user_attrs)
        assert (len(counted(trials)), lost(trials), set(redone.values()) - {1}) == (15, [], set()), f"seed {seed}"
        begun = [
            trial
            for trial in trials
            if trial.state is TrialState.FAIL and trial.params and AGAIN not in trial.user_attrs
        ]
        assert {trial.number for trial in begun if WITHDRAWN not in trial.user_attrs} == set(redone), f"seed {seed}"
        withdrawn += sum(WITHDRAWN in trial.user_attrs for trial in trials)
        again += len(redone)
    assert withdrawn > 0
    assert again > 0


def test_what_was_wrong_with_a_trial_is_not_tried_again():
    study = optuna.create_study(storage=InMemoryStorage())
    for reason in ("an error", None):
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        if reason:
            trial.set_user_attr(REASON, reason)
        study.tell(trial, state=TrialState.FAIL)
    assert [trial.number for trial in lost(study.get_trials())] == [1]


def test_of_two_that_do_one_trial_again_the_first_stands():
    study = optuna.create_study(storage=InMemoryStorage())
    for _ in range(2):
        study.enqueue_trial({"x": 0.5}, user_attrs={AGAIN: 0})
    first, second = study.ask(), study.ask()
    trials = study.get_trials()
    assert (stands(first.number, trials, 10), stands(second.number, trials, 10)) == (True, False)


def test_one_that_is_done_again_stands_only_where_there_is_room():
    """A command may ask for fewer trials than one before it."""
    study = optuna.create_study(storage=InMemoryStorage())
    for _ in range(3):
        study.tell(study.ask(), 0.0)
    study.enqueue_trial({"x": 0.5}, user_attrs={AGAIN: 0})
    trials = study.get_trials()
    assert (is_free(trials, 3), is_free(trials, 4)) == (False, True)
    assert (stands(3, trials, 3), stands(3, trials, 4)) == (False, True)
