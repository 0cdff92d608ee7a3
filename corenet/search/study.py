"""The storage of a search: a file in its folder, or a database by URL, which several processes may share."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from corenet.errors import ConfigError, OutputError
from corenet.search.space import described
from corenet.search.trial import Objective

JOURNAL = "journal.log"
WORKER = "worker"
SOON = timedelta(seconds=5)  # what a worker takes at most to say that a trial is its own


def opened(objective: Objective, storage: str, name: str, seed: int) -> optuna.Study:
    """Return the study of this name in a storage; a new one where there is none.

    Raises:
        ConfigError: there is one, of another experiment, metric or space.
        OutputError: the storage cannot be reached.
    """
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)  # what fails is raised, and said once
    direction = objective.direction
    try:
        study = optuna.create_study(
            storage=_storage(storage),
            study_name=name,
            direction=direction,  # type: ignore[arg-type]  # one of the two
            sampler=optuna.samplers.TPESampler(seed=seed),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=10),
            load_if_exists=True,
        )
    except Exception as error:
        raise OutputError(f"cannot open the storage {storage}: {' '.join(str(error).split()):.200}") from error
    _refuse_other(study, objective)
    return study


def _storage(storage: str) -> BaseStorage:
    if "://" in storage:
        return RDBStorage(storage, engine_kwargs={"pool_pre_ping": True})
    Path(storage).parent.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(storage))


def _refuse_other(study: optuna.Study, objective: Objective) -> None:
    """Refuse to go on with a study of something else, and note in a new one of what it is."""
    now = _subject(objective)
    for name, value in now.items():
        before = study.user_attrs.get(name)
        if before is None:
            study.set_user_attr(name, value)
        elif before != value:
            raise ConfigError(
                f"the search {study.study_name!r} is there already, with another {name}: "
                f"{_difference(before, value)}; give another --out or --study",
                name=name,
            )


def _subject(objective: Objective) -> dict[str, object]:
    experiment = objective.experiment()
    return {
        "experiment": experiment.better.to_dict(),
        "metric": objective.metric,
        "space": described(objective.params),
    }


def _difference(before: object, now: object) -> str:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        name = next(each for each in (*before, *now) if before.get(each) != now.get(each))
        return f"{name} was {before.get(name)!r:.60}, not {now.get(name)!r:.60}"
    return f"it was {before!r}, not {now!r}"


def me() -> str:
    """Return the name of this process among all workers of a search."""
    return f"{socket.gethostname()}:{os.getpid()}"


def give_back(study: optuna.Study) -> int:
    """Give back what workers of this machine that are gone have begun: other trials try it again. Return how many."""
    gone = [trial for trial in study.get_trials(states=(TrialState.RUNNING,)) if _is_gone(trial)]
    for trial in gone:
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params, user_attrs={"instead_of": trial.number})
    return len(gone)


def _is_gone(trial: FrozenTrial) -> bool:
    if WORKER not in trial.user_attrs:  # its worker is about to say who it is, or was killed before it could
        return trial.datetime_start is None or datetime.now() - trial.datetime_start > SOON
    host, _, process = trial.user_attrs[WORKER].rpartition(":")
    if host != socket.gethostname():
        return False  # another machine's, which may be at it
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def running(study: optuna.Study) -> int:
    """Return how many trials a worker is at."""
    begun = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return sum(WORKER in trial.user_attrs and not _is_gone(trial) for trial in begun)


def counted(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count: those that came to an end."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
