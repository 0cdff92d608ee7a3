"""What is measured after each epoch: the loss on the validation data, and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from corenet.contracts.evaluating import evaluating
from corenet.contracts.loss import Loss
from corenet.contracts.metric import Metric
from corenet.contracts.module import Module
from corenet.data import Dataset
from corenet.errors import ConfigError, did_you_mean
from corenet.history import Epoch
from corenet.training.asked_metrics import LOSS, Asked, Found, is_number, is_rate, named_apart, of_model, sign_of
from corenet.training.coding import are_classes, refuse_no_classes
from corenet.training.computing import Compute, at_once
from corenet.training.metrics import error_rate
from corenet.training.output_measures import VALID, OutputMeasures
from corenet.training.streamed import OF_CLASSES, Reader, streamed


class Measures:
    """The loss on the validation data of a training, and metrics on all data, in evaluation mode.

    If ``metrics`` is None, the error rate where there is validation data and all targets are classes. The targets of
    the training data tell how classes are coded in both, and the loss tells what outputs predict.

    Raises:
        ConfigError: ``metrics`` is not a list of metrics, or two of them have one name.
        UnknownComponentError: no metric has a name that is asked for.
        DataError: a metric of classes is asked for, and the targets cannot be classes.
    """

    def __init__(
        self, metrics: Iterable[Asked] | None, loss: Loss, train: Dataset, valid: Dataset | None = None
    ) -> None:
        self._data = {"train": train} if valid is None else {"train": train, VALID: valid}
        targets = [data.targets for data in self._data.values()]
        if metrics is None:
            is_of_classes = valid is not None and are_classes(*targets, loss=loss)
            self._named: dict[str, Found] = {error_rate.__name__: error_rate} if is_of_classes else {}
        else:
            self._named = named_apart(metrics)
            for name in self._names(_reads_classes)[:1]:
                refuse_no_classes(*targets, loss=loss, metric=name)
        self._reader = Reader(loss, *targets)
        self._compute: Compute = at_once
        rate = next(iter(self._names(is_rate)), None)
        of_outputs = OutputMeasures(loss, self._data, rate, is_default=metrics is None)
        self.of_outputs = of_outputs if valid is not None or rate is not None else None

    def computed_by(self, compute: Compute) -> None:
        """Let outputs be computed so from now on; a function of model and data computes them by itself."""
        self._compute = compute
        if self.of_outputs is not None:
            self.of_outputs.compute = compute

    def _names(self, such: Callable[[Found], bool]) -> list[str]:
        return [name for name, metric in self._named.items() if such(metric)]

    @property
    def metrics(self) -> tuple[Found, ...]:
        """What is measured besides the loss."""
        return tuple(self._named.values())

    @property
    def names(self) -> list[str]:
        """The names under which the history has them."""
        return list(self._named)

    @property
    def others(self) -> list[Found]:
        """What is measured by code that no engine takes in."""
        return [metric for metric in self.metrics if not is_rate(metric)]

    def sign(self, monitor: str) -> int:
        """Return 1 if a larger number of that name is better, -1 if a smaller one is, 0 if nobody knows.

        Raises:
            ConfigError: no epoch has such a number; it has several of that name, or none.
        """
        signs = {LOSS: -1, "lr": 0, "seconds": 0}
        numbers = self._names(is_number)
        for part in self._data:
            signs |= {f"{part}_{name}": sign_of(self._named[name]) for name in numbers}
        signs |= {f"{VALID}_{LOSS}": -1} if VALID in self._data else {}
        if monitor not in signs:
            hint = "" if VALID in self._data else "; validation data is given as valid="
            lists = [f"{part}_{name}" for part in self._data for name in self._named if name not in numbers]
            what = f"{monitor!r} is a list, not a number" if monitor in lists else f"no epoch has {monitor!r}"
            raise ConfigError(
                f"monitor: {what}{did_you_mean(str(monitor), signs)}; there are {', '.join(signs)}{hint}",
                name="monitor",
                value=monitor,
            )
        return signs[monitor]

    def after(self, record: Epoch, model: Module, numbers: Sequence[float]) -> Epoch:
        """Return the record of an epoch with what is measured after it; ``numbers`` were, of outputs."""
        if self.of_outputs is None and not self.others:
            return record
        found = self.of_outputs.named(numbers) if self.of_outputs is not None else {part: {} for part in self._data}
        with evaluating(model) if self.others else nullcontext():
            measured = {part: self._of_metrics(part, found[part], model) for part in self._data}
        return replace(record, train=measured["train"], valid=measured.get(VALID, {}))

    def _of_metrics(self, part: str, found: dict[str, float], model: Module) -> dict[str, Any]:
        """Return the loss, if it was found, and each metric."""
        measured: dict[str, Any] = {LOSS: found[LOSS]} if LOSS in found else {}
        asked = {name: metric for name, metric in self._named.items() if name not in measured}
        of_outputs = {name: metric for name, metric in asked.items() if isinstance(metric, Metric)}
        given = of_outputs, model, self._data[part], self._reader, self._compute
        in_pieces = streamed(*given) if of_outputs else {}
        for name, metric in asked.items():
            if name in in_pieces:
                measured[name] = in_pieces[name]
            elif not is_rate(metric) and not isinstance(metric, Metric):
                measured[name] = of_model(name, metric, model, self._data[part])
            elif error_rate.__name__ in found:
                wrong = found[error_rate.__name__]
                measured[name] = wrong if metric is error_rate else 1 - wrong
        return measured


def _reads_classes(metric: Found) -> bool:
    return is_rate(metric) or (isinstance(metric, Metric) and metric.reads in OF_CLASSES)
