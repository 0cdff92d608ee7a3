"""Metrics of rows that have weights: what is measured leaves the weights aside."""

from __future__ import annotations

from collections.abc import Sequence
from functools import wraps
from typing import Any

from corenet.contracts.loss import Loss
from corenet.contracts.metric import Metric
from corenet.contracts.module import Module
from corenet.data import Dataset
from corenet.registry.named import made
from corenet.training.asked_metrics import Asked, Found, is_rate, named_apart
from corenet.training.streamed import Reader


def of_targets(metrics: Sequence[Asked], loss: Loss, *data: Dataset) -> list[Found]:
    """Return metrics of data whose targets are tuples, of targets and weights, that measure what others do without.

    >>> import corenet as cn, torch
    >>> data = cn.data.Dataset(torch.tensor([[0.2], [0.9]]), (torch.tensor([[0.0], [0.0]]), torch.tensor([1.0, 5.0])))
    >>> cn.measure(cn.Sequential(), data, of_targets(["accuracy"], cn.BCELoss(), data))
    {'accuracy': 0.5}
    """
    reader = Reader(loss, *(each.targets[0] for each in data))
    return [_of_targets(name, metric, reader) for name, metric in named_apart(metrics).items()]


def _of_targets(name: str, metric: Found, reader: Reader) -> Found:
    if is_rate(metric):  # which is measured with the loss, in all engines, where there are no weights
        metric = made("metric", name, "metrics")
    if isinstance(metric, Metric):
        return OfTargets(name, metric, reader)
    measure = metric

    @wraps(measure)
    def measured(model: Module, data: Dataset) -> Any:
        return measure(model, Dataset(data.inputs, data.targets[0]))

    return measured


class OfTargets(Metric):
    """A metric of the first of two targets, under its name."""

    def __init__(self, name: str, metric: Metric, reader: Reader) -> None:
        self.__name__ = name
        self.larger_is_better = metric.larger_is_better  # type: ignore[misc]  # those of the other
        self.is_number = metric.is_number  # type: ignore[misc]
        self._metric, self._reader = metric, reader

    def reset(self) -> None:
        self._metric.reset()

    def update(self, output: Any, target: Any) -> None:
        self._reader.feed(self.__name__, self._metric, output, target[0])

    def compute(self) -> Any:
        return self._metric.compute()
