"""What is measured after each epoch: the loss on the validation data, and metrics."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import replace

from torch import Tensor

from corenet.contracts.evaluating import evaluating
from corenet.contracts.loss import Loss, averages
from corenet.contracts.module import Module
from corenet.data import Dataset
from corenet.errors import ConfigError, DataError, NonFiniteError
from corenet.training.coding import coding_of, refuse_no_classes
from corenet.training.engines.recording.restore import restored
from corenet.training.finite import value_of
from corenet.training.history import Epoch
from corenet.training.metrics import accuracy, error_rate, wrong_against

Metric = Callable[[Module, Dataset], float]
LOSS = "loss"


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
        self._loss, self._data = loss, {"train": train} if valid is None else {"train": train, "valid": valid}
        self._wrong: dict[str, Callable[[Tensor], float]] = {}
        self._is_default = metrics is None
        if metrics is None:
            self.metrics: tuple[Metric, ...] = (error_rate,) if valid is not None and self._may_be_classes() else ()
        else:
            self.metrics = named_apart(metrics)
            if any(map(_is_rate, self.metrics)):
                refuse_no_classes(*self._targets())

    def __bool__(self) -> bool:
        return bool(self.metrics) or "valid" in self._data

    def after(self, record: Epoch, model: Module) -> Epoch:
        """Return the record of an epoch with what is measured after it."""
        if not self:
            return record
        with evaluating(model):
            with restored(()):  # what is drawn here takes no number from what the training draws
                found = self._of_outputs(model)
            measured = {part: self._of_metrics(part, found[part], model) for part in self._data}
        return replace(record, train=measured["train"], valid=measured.get("valid", {}))

    def _of_outputs(self, model: Module) -> dict[str, dict[str, float]]:
        """Return loss and error rate on each part of the data, from outputs that are computed once."""
        found: dict[str, dict[str, float]] = {part: {} for part in self._data}
        outputs = {part: model(data.inputs) for part, data in self._data.items() if self._needs_output(part)}
        if "valid" in outputs:
            found["valid"][LOSS] = mean_loss(self._loss, outputs["valid"], self._data["valid"].targets)
        if "train" in outputs and not self._wrong:
            self._agree_on_classes(outputs)
        for part, wrong in self._wrong.items():
            found[part][error_rate.__name__] = wrong(outputs[part])
        return found

    def _of_metrics(self, part: str, found: dict[str, float], model: Module) -> dict[str, float]:
        """Return the loss, if it was found, and each metric."""
        measured = {LOSS: found[LOSS]} if LOSS in found else {}
        for metric in self.metrics:
            if _is_rate(metric):
                wrong = found[error_rate.__name__]
                measured[name_of(metric)] = wrong if metric is error_rate else 1 - wrong
            else:
                measured[name_of(metric)] = float(metric(model, self._data[part]))
        return measured

    def _needs_output(self, part: str) -> bool:
        return part == "valid" or any(map(_is_rate, self.metrics))

    def _agree_on_classes(self, outputs: dict[str, Tensor]) -> None:
        """Find out from the first outputs how classes are coded; the default metric is left out where they are not."""
        try:
            coding = coding_of(self._targets()[0], outputs["train"], *self._targets()[1:])
        except DataError:
            if not self._is_default:
                raise
            self.metrics = ()
            return
        shapes = {part: coding.output_shape(data.targets) for part, data in self._data.items()}
        if self._is_default and any(outputs[part].shape != shape for part, shape in shapes.items()):
            self.metrics = ()
        else:
            self._wrong = {part: wrong_against(data.targets, coding, self._loss) for part, data in self._data.items()}

    def _may_be_classes(self) -> bool:
        try:
            refuse_no_classes(*self._targets())
        except DataError:
            return False
        return True

    def _targets(self) -> list[Tensor]:
        return [each.targets for each in self._data.values()]


def mean_loss(loss: Loss, output: Tensor, targets: Tensor) -> float:
    """Return the loss as an epoch has it: the mean over the points; not a number where the output is not finite.

    It is that of a copy of the loss, so that one which counts its calls counts those of the training alone.
    """
    try:
        value = value_of(copy.copy(loss), output, targets)
    except NonFiniteError:
        return math.nan
    if not averages(loss):
        return value.double().sum().item() / len(targets)
    return (value.double().mean() if value.dim() else value).item()


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
