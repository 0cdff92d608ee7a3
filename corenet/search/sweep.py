"""Doing the trials of a search, in this process or in several."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import optuna
from optuna.exceptions import TrialPruned, UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from corenet.interrupted import leaving
from corenet.search.accounts import AGAIN, REASON, WITHDRAWN, counted, is_free, lost, stands
from corenet.search.space import ends
from corenet.search.storage import FAILURES, reached
from corenet.search.study import opened, sampler
from corenet.search.trial import Objective
from corenet.search.workers import WORKER, Others, heard, me
from corenet.side_by_side import SideBySide

Told = Callable[[optuna.Study, FrozenTrial], None]
STOPPED = "stopped; the same command goes on"
LOOK_SECONDS = 0.5  # between two looks of a worker that has nothing to do


@dataclass(frozen=True)
class Search:
    """An objective, where its trials are kept, and how many there shall be."""

    objective: Objective
    storage: str
    name: str
    trials: int
    seed: int = 0

    def study(self) -> optuna.Study:
        """Return the study."""
        return opened(self.objective, self.storage, self.name)


def sweep(search: Search, workers: int = 1, told: Told | None = None) -> list[BaseException]:
    """Do trials until there are as many as asked for, those of earlier calls and of other processes counted.

    ``told`` is called after each of this process. Before the first, the experiment is built as it is, so that what
    cannot be trained is refused at once. What another worker leaves, here or elsewhere, is done again by one of the
    others; so this waits for them when nothing is left to begin. Returned is what ended workers of this machine.

    Raises:
        ConfigError: the experiment, or an entry that is to be tried, is none.
        OutputError: the storage cannot be reached.
        Interrupted: SIGINT or SIGTERM came; what was begun is left for others, or for the same call again.
    """
    _refuse_unbuilt(search)  # before there is a study of it, which would refuse the right one
    study = search.study()
    with leaving(STOPPED), SideBySide(_work_apart, [(search,)] * (workers - 1)) as others:
        _work(search, study, told)
        return others.faults()


def _work_apart(search: Search) -> Iterator[None]:
    with leaving(STOPPED):
        _work(search, search.study(), None)
    return iter(())


def _work(search: Search, study: optuna.Study, told: Told | None) -> None:
    others = Others()
    with reached(search.storage):
        while len(counted(trials := _looked_after(study, others))) < search.trials:
            if is_free(trials, search.trials):
                _try(search, study, told)
            else:
                time.sleep(LOOK_SECONDS)


def _looked_after(study: optuna.Study, others: Others) -> list[FrozenTrial]:
    """Give up what those who are gone have begun, let it be done again, and return all trials."""
    for trial in others.gone(study.get_trials(deepcopy=False)):
        _give_up(study, trial.number)
    for trial in lost(study.get_trials(deepcopy=False)):
        study.enqueue_trial(trial.params, user_attrs={AGAIN: trial.number})
    return study.get_trials(deepcopy=False)


def _try(search: Search, study: optuna.Study, told: Told | None) -> None:
    """Begin a trial, and do it if it is none too many."""
    trial = study.ask()
    with suppress(UpdateFinishedTrialError):  # taken for gone meanwhile, and another worker does it
        trial.set_user_attr(WORKER, me())
        if not stands(trial.number, study.get_trials(deepcopy=False), search.trials):
            trial.set_user_attr(WITHDRAWN, True)
            _give_up(study, trial.number)
            return
        study.sampler = sampler(search.seed, trial.number)
        _do(search.objective, study, trial)
        if told is not None:
            told(study, study.get_trials(deepcopy=False)[trial.number])


def _do(objective: Objective, study: optuna.Study, trial: optuna.Trial) -> None:
    try:
        with heard(trial):
            value = objective(trial)
    except TrialPruned:
        study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
    except (UpdateFinishedTrialError, *FAILURES):
        raise
    except Exception as error:
        trial.set_user_attr(REASON, str(error))
        _give_up(study, trial.number)
        raise
    except BaseException:
        _give_up(study, trial.number)  # with no reason: it is done again
        raise
    else:
        study.tell(trial, value, skip_if_finished=True)


def _give_up(study: optuna.Study, number: int) -> None:
    with suppress(UpdateFinishedTrialError, ValueError):  # it ended meanwhile, or another worker gave it up
        study.tell(number, state=TrialState.FAIL)


def _refuse_unbuilt(search: Search) -> None:
    """Build the experiment at both ends of each entry, so that a name that is none is refused before the search."""
    objective = search.objective
    for name, distribution in objective.params.items():
        for value in ends(distribution):
            objective.built({name: value})
