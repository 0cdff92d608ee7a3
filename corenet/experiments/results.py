"""What a training came to, as the plain values of ``results.json``."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from statistics import mean, stdev
from typing import Any

from corenet import __version__
from corenet.experiments.building import components_of
from corenet.experiments.experiment import Experiment, Recipe
from corenet.experiments.measuring import measured
from corenet.experiments.parts import Parts
from corenet.experiments.rounds import Round
from corenet.history import strict
from corenet.machine import machine
from corenet.streamed_data import StreamedDataset

SCHEMA = 1
SHARED = ("experiment", "title", "task", "target", "classes", "components", "versions", "machine")


def results_of(experiment: Experiment, recipe: Recipe, round: Round, best_epoch: int | None) -> dict[str, Any]:
    """Return the results of one training; a number that is not finite is None."""
    found, parts = measured(round, recipe.metrics), round.parts
    coding = parts.coding
    return strict(  # type: ignore[no-any-return]  # a dict of a dict
        {
            "schema": SCHEMA,
            "experiment": experiment.id,
            "title": experiment.title,
            "task": "classes" if found.confusion else "values",
            "target": None if coding is None else coding.target.name,
            "classes": [] if coding is None else list(coding.classes),
            "metrics": found.metrics,
            "baseline": {"is": found.baseline_is, **found.baseline},
            "confusion": found.confusion,
            "epochs": len(round.history),
            "best_epoch": best_epoch,
            "seconds": round.history.seconds,
            "engine": round.history.engine,
            "seed": recipe.seed,
            "data": _data(recipe, parts),
            "components": components_of(round.model, round.loss, round.optimizer),
            "versions": _versions(),
            "machine": machine(),
        }
    )


def results_over(rounds: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the results of several trainings, by the names of their folders: each metric's mean and deviation."""
    first, *_ = found = list(rounds.values())
    return {
        "schema": SCHEMA,
        **{name: first[name] for name in SHARED},
        "rounds": list(rounds),
        "metrics": _over([each["metrics"] for each in found]),
        "baseline": {"is": first["baseline"]["is"], **_over([_figures(each["baseline"]) for each in found])},
        "seconds": sum(each["seconds"] for each in found),
    }


def _over(rounds: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    return {
        part: {
            name: _spread([each[part][name] for each in rounds]) for name, value in metrics.items() if _is_one(value)
        }
        for part, metrics in rounds[0].items()
    }


def _spread(values: Sequence[float | None]) -> dict[str, Any]:
    """Return mean and sample deviation of a number over the rounds, where each has it."""
    known = [each for each in values if each is not None]
    whole = len(known) == len(values)
    deviation = stdev(known) if whole and len(known) > 1 else 0.0
    return {"mean": mean(known) if whole else None, "std": deviation if whole else None, "rounds": list(values)}


def _is_one(value: object) -> bool:
    return not isinstance(value, list)


def _figures(baseline: Mapping[str, Any]) -> dict[str, Any]:
    return {part: metrics for part, metrics in baseline.items() if part != "is"}


def _data(recipe: Recipe, parts: Parts) -> dict[str, Any]:
    """Return what was learnt from: where it is from, how many rows, and each column with what it was taken for."""
    sizes = {name: len(part) for name, part in parts.named.items()}
    form = next(name for name in ("source", "draw", "make") if name in recipe.data)
    told: dict[str, Any] = {"source": recipe.data[form], "rows": sum(sizes.values()), "parts": sizes}
    if isinstance(parts.train, StreamedDataset):  # what is measured of the training part is measured on a sample
        told["measured_train_rows"] = len(parts.train.targets)
    if parts.table is None:
        return told
    columns = [{"name": each.name, "as": each.kind, "what": each.what} for each in parts.table.columns]
    target = parts.table.target
    return told | {"columns": columns, "target": {"name": target.name, "as": target.kind, "what": target.what}}


def _versions() -> dict[str, str]:
    return {"corenet": __version__, "torch": version("torch"), "python": platform.python_version()}
