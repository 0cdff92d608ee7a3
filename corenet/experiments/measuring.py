"""How good a model is on each part of its data, beside what one would say without a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.metric import Metric
from corenet.data import Dataset
from corenet.experiments.evaluation import Evaluation, evaluate
from corenet.experiments.in_units import asked_of, unit_of
from corenet.experiments.rounds import Round
from corenet.registry.named import class_of
from corenet.tables.targets import NumberTarget
from corenet.training.asked_metrics import name_of
from corenet.training.coding import are_classes, coding_of
from corenet.training.measure import measure
from corenet.training.metrics import predict

OF_CLASSES = ("accuracy", "f1")
OF_VALUES = ("r2", "rmse", "mae")

Figures = Mapping[str, Mapping[str, Any]]  # by the part of the data, and by the name of the metric


@dataclass(frozen=True)
class Measured:
    """Metrics by part and name; the same of the ``baseline``, as far as it has them, and in words what that says.

    ``confusion`` counts, of the classes of each part, how often each (row) was read as each (column).
    """

    metrics: Figures
    baseline: Figures
    baseline_is: str
    confusion: Mapping[str, list[list[int]]]


def measured(round: Round, metrics: Sequence[str] | None) -> Measured:
    """Return the loss and ``metrics``, or what suits the targets, of a round on each part of its data.

    The baseline says of every row the most frequent class of the training part, or its mean. What suits the target of
    a table is what ``corenet evaluate`` measures of other rows.
    """
    parts, loss = round.parts.named, round.loss
    if round.parts.coding is not None and metrics is None:
        return _as_evaluated(
            {name: evaluate(round.model, round.parts.coding, part, loss) for name, part in parts.items()}
        )
    is_of_classes = are_classes(*(part.targets for part in parts.values()), loss=loss)
    names = list(metrics) if metrics is not None else list(OF_CLASSES if is_of_classes else OF_VALUES)
    asked = asked_of(names, unit_of(round.parts))
    found = {name: measure(round.model, part, ["loss", *asked], loss) for name, part in parts.items()}
    told = _of_classes(round) if is_of_classes else _of_values(round)
    baseline = {name: _constant(asked, told, part) for name, part in parts.items()}
    matrix = {
        name: measure(round.model, part, ["confusion_matrix"], loss)["confusion_matrix"]
        for name, part in (parts.items() if is_of_classes else ())
    }
    return Measured(found, baseline, told.words, matrix)


def _as_evaluated(found: Mapping[str, Evaluation]) -> Measured:
    return Measured(
        {name: each.metrics for name, each in found.items()},
        {name: each.baseline for name, each in found.items()},
        found["train"].baseline_is,
        {name: [list(row) for row in each.confusion] for name, each in found.items() if each.classes},
    )


@dataclass(frozen=True)
class Told:
    """What is said without a model: what a metric reads of it, and of the targets of a part; and that in words."""

    reads: str
    pair: Callable[[Dataset], tuple[Tensor, Tensor]]
    classes: int
    words: str


def _of_classes(round: Round) -> Told:
    train = round.parts.train
    coding = coding_of(train.targets, predict(round.model, train), loss=round.loss)
    known = coding.classes(train.targets).reshape(-1).long()
    counts = known.bincount()
    most = int(counts.argmax())
    names = () if round.parts.coding is None else round.parts.coding.classes

    def pair(data: Dataset) -> tuple[Tensor, Tensor]:
        target = coding.classes(data.targets).reshape(-1)
        return torch.full_like(target, most), target

    return Told("classes", pair, len(counts), f"always {names[most]!r}" if names else f"always class {most}")


def _of_values(round: Round) -> Told:
    mean = round.parts.train.targets.mean(0)
    coding = round.parts.coding
    known = coding is not None and isinstance(coding.target, NumberTarget)
    words = f", {coding.target.mean:.4g}" if known else ""  # type: ignore[union-attr]  # it is known
    return Told(
        "values",
        lambda data: (mean.expand_as(data.targets), data.targets),
        0,
        f"always the mean of the training part{words}",
    )


def _constant(asked: Sequence[str | Metric], told: Told, data: Dataset) -> dict[str, Any]:
    """Return those of the metrics that can be measured of what is always the same."""
    found = {}
    for each in asked:
        name = each if isinstance(each, str) else name_of(each)
        metric: Metric = class_of("metric", each)() if isinstance(each, str) else each
        if metric.reads == told.reads and metric.is_number:
            metric.reset()
            metric.expect(told.classes)
            metric.update(*told.pair(data))
            found[name] = metric.compute()
    return found
