"""What a search found: its best trials, the best experiment as a file, all trials as a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from corenet.errors import DataError
from corenet.experiments.writing import write as write_experiment
from corenet.files import write_text
from corenet.search.accounts import REASON, counted
from corenet.search.storage import shown
from corenet.search.sweep import Search

BEST, TRIALS = "best.toml", "trials.csv"


def best_first(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that were trained to the end, the best first."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    sign = -1 if study.direction is optuna.study.StudyDirection.MAXIMIZE else 1
    return sorted(done, key=lambda trial: (sign * (trial.value or 0.0), trial.number))


def ended(study: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that count: those that came to an end."""
    return counted(study.get_trials(deepcopy=False))


def values(search: Search, trial: FrozenTrial) -> dict[str, Any]:
    """Return what a trial tried, by entry, as an experiment file has it."""
    params = search.objective.params
    return {
        name: json.loads(value) if isinstance(params[name], CategoricalDistribution) else value
        for name, value in trial.params.items()
    }


def write(search: Search, study: optuna.Study, folder: Path) -> None:
    """Write the best experiment, and a row for each trial that came to an end.

    Raises:
        DataError: no trial was trained to the end.
        OutputError: the folder cannot be written.
    """
    best = best_first(study)
    if not best:
        reasons = {trial.user_attrs.get(REASON, "it was pruned") for trial in ended(study)}
        raise DataError(f"no trial came to an end: {'; '.join(sorted(reasons)):.200}; try smaller learning rates, say")
    chosen = search.objective.experiment(best[0].params)
    write_experiment(folder / BEST, chosen, chosen.better)
    write_text(folder / TRIALS, _table(search, ended(study)))


def to_dict(search: Search, study: optuna.Study) -> dict[str, Any]:
    """Return the result as plain values, for JSON."""
    done = ended(study)
    return {
        "schema": 1,
        "name": study.study_name,
        "storage": shown(search.storage),
        "metric": search.objective.metric,
        "direction": search.objective.direction,
        "trials": len(done),
        "pruned": sum(trial.state is TrialState.PRUNED for trial in done),
        "best": [
            {"trial": trial.number, "value": trial.value, "values": values(search, trial)}
            for trial in best_first(study)[:10]
        ],
        "importance": importance(study),
    }


def importance(study: optuna.Study) -> dict[str, float]:
    """Return how much of the metric's variance each entry explains, in [0, 1]; nothing where that cannot be told."""
    if len(best_first(study)) < 10:
        return {}
    try:
        return dict(optuna.importance.get_param_importances(study, evaluator=_evaluator()))
    except (ValueError, RuntimeError):  # all trials are as good as each other
        return {}


def _evaluator() -> optuna.importance.BaseImportanceEvaluator:
    return optuna.importance.PedAnovaImportanceEvaluator()


def _table(search: Search, trials: Sequence[FrozenTrial]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", search.objective.metric, *search.objective.params, "seconds"])
    for trial in trials:
        tried = values(search, trial)
        seconds = trial.duration.total_seconds() if trial.duration else ""
        value = "" if trial.value is None else trial.value
        row = [trial.number, trial.state.name.lower(), value]
        writer.writerow([*row, *(tried.get(name, "") for name in search.objective.params), seconds])
    return text.getvalue()
