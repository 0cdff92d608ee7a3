"""Doing the trials of a search, in this process or in several."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from dataclasses import dataclass

import optuna
import torch
from optuna.trial import FrozenTrial

from corenet.errors import ConfigError
from corenet.search.space import ends
from corenet.search.study import WORKER, counted, give_back, me, opened, running
from corenet.search.trial import Objective


@dataclass(frozen=True)
class Search:
    """An objective, where its trials are kept, and how many there shall be."""

    objective: Objective
    storage: str
    name: str
    trials: int
    seed: int = 0

    def study(self, worker: int = 0) -> optuna.Study:
        """Return the study; each worker draws from a seed of its own."""
        return opened(self.objective, self.storage, self.name, self.seed + worker)


def sweep(search: Search, workers: int = 1, told: Callable[[optuna.Study, FrozenTrial], None] | None = None) -> None:
    """Do trials until there are as many as asked for, those of earlier calls and of other processes counted.

    ``told`` is called after each of this process. Before the first, the experiment is built as it is, so that what
    cannot be trained is refused at once.

    Raises:
        ConfigError: the experiment, or an entry that is to be tried, is none.
        OutputError: the storage cannot be reached.
    """
    study = search.study()
    give_back(study)
    _refuse_unbuilt(search)
    if workers == 1:
        _work(search, study, told)
        return
    context = multiprocessing.get_context("spawn")
    started = [context.Process(target=_work_apart, args=(search, number)) for number in range(1, workers)]
    for process in started:
        process.start()
    try:
        _work(search, study, told)
    finally:
        for process in started:
            process.join()
    failed = [process.exitcode for process in started if process.exitcode]
    if failed and len(counted(study)) < search.trials:
        raise ConfigError(f"{len(failed)} workers ended with exit code {failed[0]}; run the same command to go on")


def _work_apart(search: Search, number: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C reaches all processes: these end, the first one says so
    torch.set_num_threads(1)
    _work(search, search.study(number), None)


def _work(search: Search, study: optuna.Study, told: Callable[[optuna.Study, FrozenTrial], None] | None) -> None:
    while len(counted(study)) + running(study) < search.trials:
        study.optimize(_as_worker(search.objective), n_trials=1, callbacks=[told] if told else [])


def _as_worker(objective: Objective) -> Callable[[optuna.Trial], float]:
    def trial(trial: optuna.Trial) -> float:
        trial.set_user_attr(WORKER, me())
        return objective(trial)

    return trial


def _refuse_unbuilt(search: Search) -> None:
    """Build the experiment at both ends of each entry, so that a name that is none is refused before the search."""
    objective = search.objective
    for name, distribution in objective.params.items():
        for value in ends(distribution):
            objective.built({name: value})
