"""How good a model is on a table, beside what one would say without a model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.evaluating import evaluating
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.data import Dataset
from corenet.errors import DataError
from corenet.tables.coding import TableCoding
from corenet.tables.targets import ClassTarget, Label, NumberTarget
from corenet.training.mean_loss import mean_loss

QUANTILES = {"least": 0.0, "5 %": 0.05, "25 %": 0.25, "median": 0.5, "75 %": 0.75, "95 %": 0.95, "largest": 1.0}


@dataclass(frozen=True)
class Evaluation:
    """What a model and a baseline come to on ``points`` rows, by the names of the metrics.

    ``baseline_is`` says what the baseline is. Of classes, ``confusion[i][j]`` counts the points of the class i that
    were read as j; of numbers, ``residuals`` has quantiles of prediction − target.
    """

    target: str
    points: int
    metrics: dict[str, float]
    baseline: dict[str, float]
    baseline_is: str
    classes: tuple[Label, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    residuals: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values, for JSON; a number that is not finite is None."""
        found = asdict(self)
        for part in ("metrics", "baseline", "residuals"):
            found[part] = {name: value if math.isfinite(value) else None for name, value in found[part].items()}
        return found

    def _repr_html_(self) -> str:
        from corenet.experiments.evaluation_table import as_html

        return as_html(self)


def evaluate(
    model: Module, coding: TableCoding, pieces: Dataset | Iterable[Dataset], loss: Loss | None = None
) -> Evaluation:
    """Return how good a model is on data that was coded by ``coding``, whole or piece by piece.

    The baseline always says the most frequent class of the training part, or its mean; the loss of that of classes is
    that of saying how frequent each was. A coding saved before it kept this counts the data instead. Without the
    ``loss`` that the model was trained by, none is measured.

    Raises:
        DataError: there is no piece.

    >>> import corenet as cn
    >>> table = cn.table({"x": [0, 1, 2, 3, 4], "y": ["no", "no", "no", "yes", "yes"]}, target="y")
    >>> model = cn.Linear(1, 2, init="zeros")
    >>> model.weight[1], model.bias[1] = 1.0, -0.5
    >>> found = evaluate(model, table.coding, table.dataset(), cn.CrossEntropyLoss())
    >>> found.metrics["accuracy"], found.baseline["accuracy"], found.baseline_is, found.confusion
    (1.0, 0.6, "always 'no'", ((3, 0), (0, 2)))
    """
    target = coding.target
    tally = _Classes(target, loss) if isinstance(target, ClassTarget) else _Numbers(target, loss)
    with evaluating(model):
        for data in [pieces] if isinstance(pieces, Dataset) else pieces:
            tally.add(model(data.inputs), data.targets)
    if not tally.targets:
        raise DataError("there is no row to measure on")
    return tally.evaluation()


class _Tally:
    """Targets taken in piece by piece, and the sum of the losses."""

    def __init__(self, loss: Loss | None) -> None:
        self.loss, self._total = loss, 0.0
        self.targets: list[Tensor] = []

    def add(self, output: Tensor, targets: Tensor) -> None:
        self.targets.append(targets)
        if self.loss is not None:
            self.loss.check(output, targets)
            self.loss.check_values(output, targets)
            self._total += mean_loss(self.loss, output, targets).item() * len(targets)

    def losses(self, targets: Tensor, constant: Tensor) -> tuple[dict[str, float], dict[str, float]]:
        """Return the loss of the model, and that of an output which is the same for each point, by name."""
        if self.loss is None:
            return {}, {}
        of_constant = mean_loss(self.loss, constant.to(targets.device).expand(len(targets), -1), targets).item()
        return {"loss": self._total / len(targets)}, {"loss": of_constant + 0.0}  # −0 reads as 0


class _Classes(_Tally):
    def __init__(self, target: ClassTarget, loss: Loss | None) -> None:
        super().__init__(loss)
        self._target, size = target, target.outputs
        self._counts = torch.zeros(size, size, dtype=torch.long)

    def add(self, output: Tensor, targets: Tensor) -> None:
        super().add(output, targets)
        pairs = targets * self._target.outputs + output.argmax(1)
        self._counts += torch.bincount(pairs.cpu(), minlength=self._counts.numel()).reshape(self._counts.shape)

    def evaluation(self) -> Evaluation:
        targets = torch.cat(self.targets)
        given = self._counts.sum(1)
        known = torch.tensor(self._target.counts) if self._target.counts else given
        always = int(known.argmax())
        without = torch.zeros_like(self._counts)
        without[:, always] = given
        frequencies = (known.to(torch.get_default_dtype()) / known.sum()).clamp_min(1e-12).log()
        ours, theirs = self.losses(targets, frequencies)
        return Evaluation(
            self._target.name,
            len(targets),
            ours | _of_classes(self._counts),
            theirs | _of_classes(without),
            f"always {self._target.classes[always]!r}",
            self._target.classes,
            tuple(map(tuple, self._counts.tolist())),
        )


def _of_classes(counts: Tensor) -> dict[str, float]:
    """Return the metrics of a confusion matrix; macro-F1 is the mean over the classes that occur, as scikit-learn's."""
    right, read, given = counts.diagonal().double(), counts.sum(0), counts.sum(1)
    accuracy = right.sum().item() / int(given.sum())
    occurs = read + given > 0
    f1 = (2 * right[occurs] / (read + given)[occurs]).mean().item()
    return {"accuracy": accuracy, "macro_f1": f1}


class _Numbers(_Tally):
    def __init__(self, target: NumberTarget, loss: Loss | None) -> None:
        super().__init__(loss)
        self._target = target
        self._residuals: list[Tensor] = []

    def add(self, output: Tensor, targets: Tensor) -> None:
        super().add(output, targets)
        self._residuals.append((output - targets).double().reshape(-1).cpu() * self._target.std)

    def evaluation(self) -> Evaluation:
        targets, residuals = torch.cat(self.targets), torch.cat(self._residuals)
        deviations = (
            targets.double().reshape(-1).cpu() * self._target.std
        )  # of the values from the mean of the training
        ours, theirs = self.losses(targets, torch.zeros(1, dtype=targets.dtype))
        spread = (deviations - deviations.mean()).square().sum()
        at = torch.tensor(list(QUANTILES.values()), dtype=residuals.dtype)
        ordered = residuals.sort().values
        quantiles = ordered[(at * (len(ordered) - 1)).round().long()].tolist()
        return Evaluation(
            self._target.name,
            len(targets),
            ours | _of_numbers(residuals, spread),
            theirs | _of_numbers(-deviations, spread),
            f"always the mean of the training part, {self._target.mean:.4g}",
            residuals=dict(zip(QUANTILES, quantiles, strict=True)),
        )


def _of_numbers(residuals: Tensor, spread: Tensor) -> dict[str, float]:
    squares = residuals.square()
    r2 = 1 - (squares.sum() / spread).item()
    return {"r2": r2, "rmse": squares.mean().sqrt().item(), "mae": residuals.abs().mean().item()}
