"""What is measured after each epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import Tensor

from corenet.contracts.module import Module, evaluating
from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.training.history import Epoch
from corenet.training.metrics import accuracy, are_classes, error_rate, wrong_against

Metric = Callable[[Module, Dataset], float]
_OF_OUTPUT: tuple[Metric, ...] = (error_rate, accuracy)


class Measures:
    """Metrics on the data of a training; if None, the error rate where classes are validated on.

    Raises:
        ConfigError: ``metrics`` is no list of functions.
    """

    def __init__(self, metrics: Sequence[Metric] | None, train: Dataset, valid: Dataset | None) -> None:
        if metrics is None:
            metrics = (error_rate,) if valid is not None and are_classes(valid.targets) else ()
        elif callable(metrics) or not all(map(callable, metrics)):
            raise ConfigError(f"metrics must be a list of functions (model, data) -> float, not {metrics!r}")
        self.metrics, self._data = metrics, [train] if valid is None else [train, valid]
        self._need_outputs_only = all(metric in _OF_OUTPUT for metric in metrics)
        self._wrong: list[Callable[[Tensor], float]] = []

    def __bool__(self) -> bool:
        return bool(self.metrics)

    def after(self, record: Epoch, model: Module) -> Epoch:
        """Return the record of an epoch with what is measured after it, in evaluation mode."""
        if not self.metrics:
            return record
        with evaluating(model):
            measured = (
                self._of_outputs(model) if self._need_outputs_only else [self._of(model, data) for data in self._data]
            )
        return replace(record, train=measured[0], valid=measured[-1] if len(measured) > 1 else {})

    def _of(self, model: Module, data: Dataset) -> dict[str, float]:
        return {_name(metric): float(metric(model, data)) for metric in self.metrics}

    def _of_outputs(self, model: Module) -> list[dict[str, float]]:
        """Return the same of an output that is computed once, held against targets that nobody changes."""
        if not self._wrong:
            self._wrong = [wrong_against(data.targets) for data in self._data]
        wrong = [against(model(data.inputs)) for against, data in zip(self._wrong, self._data, strict=True)]
        return [
            {_name(metric): each if metric is error_rate else 1 - each for metric in self.metrics} for each in wrong
        ]


def _name(metric: Metric) -> str:
    return getattr(metric, "__name__", type(metric).__name__)
