"""Metrics of a model's outputs, piece by piece."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.metric import Metric
from corenet.contracts.metric_value import value_of
from corenet.contracts.module import Module
from corenet.contracts.several import Tensors, each_of, mapped
from corenet.data import Dataset, pieces
from corenet.errors import ConfigError, ShapeError
from corenet.training.coding import coding_of
from corenet.training.codings import Coding
from corenet.training.computing import Compute, at_once
from corenet.training.engines.recording.restore import restored
from corenet.training.mean_loss import mean_loss

POINTS = 10_000  # in a piece: as many as make the overhead of a piece small
OF_CLASSES = ("classes", "scores")


class OfFunction(Metric):
    """A function of all outputs and targets together as a metric; it keeps the pieces until then."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def reset(self) -> None:
        self._pieces: list[tuple[Tensors, Tensors]] = []

    def update(self, output: Any, target: Any) -> None:
        self._pieces.append((mapped(Tensor.clone, output), mapped(Tensor.clone, target)))

    def compute(self) -> Any:
        outputs, targets = zip(*self._pieces, strict=True)
        return self._function(_joined(outputs), _joined(targets))


class Reader:
    """What metrics are given of outputs and targets: how the targets of the training code classes is found out once.

    Args:
        loss: what says what outputs mean; without it they are read in the coding of the targets.
        targets: of the training, and then of other data with the same classes.
    """

    def __init__(self, loss: Loss | None, *targets: Tensors) -> None:
        self._loss, self._targets = loss, targets
        self._coding: Coding | None = None

    def feed(self, name: str, metric: Metric, output: Any, target: Any) -> None:
        """Give a piece to the metric of this name, as it reads it."""
        metric.update(*self._given(name, metric, output, target))

    def _given(self, name: str, metric: Metric, output: Any, target: Any) -> tuple[Any, Any]:
        if metric.reads == "values":
            return output, target
        if metric.reads == "losses":
            if self._loss is None:
                raise ConfigError(f"{type(metric).__name__} measures the loss; give it as loss=", name="loss")
            return mean_loss(self._loss, output, target), target
        return self._of_classes(name, metric, output, target)

    def _of_classes(self, name: str, metric: Metric, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        if isinstance(output, tuple) or isinstance(target, tuple):
            raise ConfigError(
                f"{type(metric).__name__} reads the classes of one output, and there are several outputs or targets; "
                "measure them by a function of (output, target)",
                name="metrics",
            )
        coding = self._coding_for(name, output)
        metric.expect(coding.count)
        expected = coding.output_shape(target)
        if output.shape != expected:
            raise ShapeError(type(metric).__name__, output.shape, f"expected {expected} for its targets")
        if metric.reads == "scores":
            found = self._probabilities(output).movedim(coding.dim, -1)
        else:
            found = coding.read(output, output if self._loss is None else self._loss.predictions(output))
        classes, judged = coding.classes(target), coding.judged(target)
        return (found, classes) if judged is None else (found[judged], classes[judged])

    def _probabilities(self, output: Tensor) -> Tensor:
        """Return the probabilities that outputs stand for, or outputs themselves where the loss knows of none."""
        try:
            return output if self._loss is None else self._loss.probabilities(output)
        except ConfigError:
            return output

    def _coding_for(self, name: str, output: Tensor) -> Coding:
        if self._coding is None:
            first, *others = (each for targets in self._targets for each in each_of(targets)[:1])
            every = output[:1].expand(len(first), *output.shape[1:])  # a row for each target, as the coding looks at
            self._coding = coding_of(first, every, *others, loss=self._loss, metric=name)
        return self._coding


def streamed(
    metrics: Mapping[str, Metric], model: Module, data: Dataset, reader: Reader, compute: Compute = at_once
) -> dict[str, Any]:
    """Return what each metric comes to on all points, by its name: a number, or a list of numbers.

    The model is in evaluation mode. A metric is NaN where an output is. What is drawn here takes no number from what a
    training draws.
    """
    for metric in metrics.values():
        metric.reset()
    is_number = True
    with restored(()):
        for inputs, targets in _pieces(data):
            output = compute(model, inputs)
            is_number = is_number and not any(bool(each.isnan().any()) for each in each_of(output))
            for name, metric in metrics.items() if is_number else ():
                reader.feed(name, metric, output, targets)
    return {name: value_of(name, metric) if is_number else math.nan for name, metric in metrics.items()}


def _pieces(data: Dataset) -> Iterator[tuple[Tensors, Tensors]]:
    return zip(pieces(data.inputs, POINTS), pieces(data.targets, POINTS), strict=True)


def _joined(parts: tuple[Tensors, ...]) -> Tensors:
    """Return pieces as they were before they were cut."""
    if isinstance(parts[0], tuple):
        return tuple(torch.cat(each) for each in zip(*parts, strict=True))
    return torch.cat(parts)  # type: ignore[arg-type]  # none is a tuple where the first is none
