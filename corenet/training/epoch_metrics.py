"""What is measured after each epoch: the loss on the validation data, and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace

from corenet.contracts.evaluating import evaluating
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.training.coding import are_classes, refuse_no_classes
from corenet.training.history import Epoch
from corenet.training.metrics import accuracy, error_rate
from corenet.training.output_measures import LOSS, OutputMeasures

Metric = Callable[[Module, Dataset], float]


class Measures:
    """The loss on the validation data of a training, and metrics on all data, in evaluation mode.

    If ``metrics`` is None, the error rate where there is validation data and all targets are classes. The targets of
    the training data tell how classes are coded in both, and the loss tells what outputs predict.

    Raises:
        ConfigError: ``metrics`` is not a list of functions, or two of them have one name.
        DataError: error rate or accuracy is asked for, and the targets cannot be classes.
    """

    def __init__(
        self, metrics: Iterable[Metric] | None, loss: Loss, train: Dataset, valid: Dataset | None = None
    ) -> None:
        self._data = {"train": train} if valid is None else {"train": train, "valid": valid}
        targets = [data.targets for data in self._data.values()]
        if metrics is None:
            has_rate = valid is not None and are_classes(*targets, loss=loss)
            self.metrics: tuple[Metric, ...] = (error_rate,) if has_rate else ()
        else:
            self.metrics = named_apart(metrics)
            if any(map(_is_rate, self.metrics)):
                refuse_no_classes(*targets, loss=loss)
        self.others = [metric for metric in self.metrics if not _is_rate(metric)]
        rates = len(self.others) < len(self.metrics)
        of_outputs = OutputMeasures(loss, self._data, rates, is_default=metrics is None)
        self.of_outputs = of_outputs if valid is not None or rates else None

    def after(self, record: Epoch, model: Module, numbers: Sequence[float]) -> Epoch:
        """Return the record of an epoch with what is measured after it; ``numbers`` were, of outputs."""
        if self.of_outputs is None and not self.others:
            return record
        found = self.of_outputs.named(numbers) if self.of_outputs is not None else {part: {} for part in self._data}
        with evaluating(model) if self.others else nullcontext():
            measured = {part: self._of_metrics(part, found[part], model) for part in self._data}
        return replace(record, train=measured["train"], valid=measured.get("valid", {}))

    def _of_metrics(self, part: str, found: dict[str, float], model: Module) -> dict[str, float]:
        """Return the loss, if it was found, and each metric."""
        measured = {LOSS: found[LOSS]} if LOSS in found else {}
        for metric in self.metrics:
            if not _is_rate(metric):
                measured[name_of(metric)] = float(metric(model, self._data[part]))
            elif error_rate.__name__ in found:
                wrong = found[error_rate.__name__]
                measured[name_of(metric)] = wrong if metric is error_rate else 1 - wrong
        return measured


def named_apart(metrics: Iterable[Metric]) -> tuple[Metric, ...]:
    """Return the metrics; no two may have one name, which stands for one of them in the history.

    Raises:
        ConfigError: two have one name, or this is not a list of functions.
    """
    is_list = isinstance(metrics, Iterable) and not callable(metrics)
    found = tuple(metrics) if is_list else ()
    if not is_list or not all(map(callable, found)):
        raise ConfigError(f"metrics must be a list of functions (model, data) -> float, not {metrics!r}")
    named: dict[str, object] = {LOSS: "the loss, which is recorded anyway"}
    for metric in found:
        name = name_of(metric)
        if name in named:
            raise ConfigError(
                f"metrics: {named[name]!s:.80} and {metric!s:.80} have one name, {name!r}; "
                "set the __name__ of one, or give it a name by def",
                name="metrics",
                value=metrics,
            )
        named[name] = metric
    return found


def name_of(metric: Metric) -> str:
    """Return the name that a metric has in the history."""
    return getattr(metric, "__name__", type(metric).__name__)


def _is_rate(metric: Metric) -> bool:
    return metric is error_rate or metric is accuracy
