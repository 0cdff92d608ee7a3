"""The study of a search, in Optuna's sense: opened, or refused where it is of something else."""

from __future__ import annotations

import weakref
from collections.abc import Mapping

import optuna
from optuna.storages import RDBStorage

from corenet.data import stream
from corenet.errors import ConfigError
from corenet.search import storage as storages
from corenet.search.space import described
from corenet.search.trial import Objective

JOURNAL = "journal.log"


def opened(objective: Objective, storage: str, name: str) -> optuna.Study:
    """Return the study of this name in a storage; a new one where there is none.

    Raises:
        ConfigError: there is one, of another experiment, metric or space.
        MissingExtraError: the driver of the database is not installed.
        OutputError: the storage cannot be reached.
    """
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)  # what fails is raised, and said once
    direction = objective.direction
    kept = storages.opened(storage)
    with storages.reached(storage, "open"):
        study = optuna.create_study(
            storage=kept,
            study_name=name,
            direction=direction,  # type: ignore[arg-type]  # one of the two
            pruner=optuna.pruners.MedianPruner(n_startup_trials=10),
            load_if_exists=True,
        )
        _refuse_other(study, objective)
    if isinstance(kept, RDBStorage):
        weakref.finalize(study, kept.engine.dispose)  # its connections are closed when nobody has the study any more
    return study


def sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """Return what draws the values of the trial of a number: the same whoever does it, and others for each."""
    return optuna.samplers.TPESampler(seed=stream("trial", seed, number))


def _refuse_other(study: optuna.Study, objective: Objective) -> None:
    """Refuse to go on with a study of something else, and note in a new one of what it is."""
    now, before = _subject(objective), study.user_attrs
    for name in [name for name in now if name not in before]:
        study.set_user_attr(name, now[name])
    before = study.user_attrs  # of two that began it at the same time, one has noted last
    for name, value in now.items():
        if before[name] != value:
            raise ConfigError(
                f"the search {study.study_name!r} is there already, with another {name}: "
                f"{_difference(before[name], value)}; give another --out or --study",
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
