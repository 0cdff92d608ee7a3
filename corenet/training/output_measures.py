"""What is measured of a model's outputs after each epoch: the loss on the validation data, and error rates."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.evaluating import evaluating
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.several import count, each_of, mapped
from corenet.data import Dataset
from corenet.errors import DataError, NonFiniteError
from corenet.training.asked_metrics import LOSS
from corenet.training.coding import coding_of
from corenet.training.computing import Compute, at_once
from corenet.training.engines.recording.checks import check_all
from corenet.training.engines.recording.restore import restored
from corenet.training.finite import blaming_the_output
from corenet.training.mean_loss import mean_loss
from corenet.training.metrics import error_rate, wrong_against

VALID = "valid"


class OutputMeasures:
    """The loss on the part ``valid`` of the data, its last, if there is one; for a ``rate`` the error rate on each.

    ``rate`` is the name of a metric that is read from it.
    How the targets code classes is told by the first outputs. If the rates are those of a default, they are left out
    where the outputs are no classes.

    Raises:
        DataError: from the first measurement on, a rate is asked for, and the targets are no classes.
    """

    def __init__(self, loss: Loss, data: Mapping[str, Dataset], rate: str | None, *, is_default: bool) -> None:
        self._loss, self._data, self._rate, self._is_default = loss, data, rate, is_default
        self._wrong: dict[str, Callable[[Tensor], Tensor]] = {}
        self.compute: Compute = at_once

    @property
    def is_settled(self) -> bool:
        """Whether it is known by now which numbers are measured."""
        return self._rate is None or bool(self._wrong)

    def given(self) -> list[Tensor]:
        """Return the data that it measures on."""
        return [tensor for data in self._data.values() for tensor in (*each_of(data.inputs), *each_of(data.targets))]

    def numbers(self, model: Module) -> list[Tensor]:
        """Return the numbers, in the order of :meth:`named`; a loss is none where the output is not finite."""
        with evaluating(model), restored(()):  # what is drawn here takes no number from what the training draws
            outputs = self.outputs(model)
            if not self.is_settled:
                self._agree_on_classes(outputs)
            try:
                self.check([mapped(lambda each: each.unsqueeze(0), output) for output in outputs])
            except NonFiniteError:
                return [torch.tensor(math.nan, dtype=torch.float64), *self._error_rates(outputs)]
            return self.measure(outputs)

    def outputs(self, model: Module) -> list[Any]:
        """Return the model's output on each part of the data that is measured on."""
        measured = self._data.keys() & {VALID} if self._rate is None else self._data
        return [self.compute(model, self._data[part].inputs) for part in measured]

    def check(self, outputs: Sequence[Any]) -> None:
        """Let the loss look at the outputs of one or several evaluations, one behind the other.

        Raises:
            NonFiniteError: it refuses them, and they are not finite.
            CorenetError: it refuses them.
        """
        if VALID in self._data:
            output, targets = outputs[-1], self._data[VALID].targets
            turns = count(output)
            with blaming_the_output(output):
                check_all(copy.copy(self._loss), output, mapped(lambda each: each.expand(turns, *each.shape), targets))

    def measure(self, outputs: Sequence[Any]) -> list[Tensor]:
        """Return the numbers of outputs that were checked."""
        rates = self._error_rates(outputs)
        if VALID not in self._data:
            return rates
        return [mean_loss(self._loss, outputs[-1], self._data[VALID].targets), *rates]

    def named(self, numbers: Sequence[float]) -> dict[str, dict[str, float]]:
        """Return numbers by the part of the data, and by their names."""
        found: dict[str, dict[str, float]] = {part: {} for part in self._data}
        losses = [(VALID, LOSS)] if VALID in self._data else []
        names = [*losses, *((part, error_rate.__name__) for part in self._wrong)]
        for (part, name), number in zip(names, numbers, strict=True):
            found[part][name] = number
        return found

    def _error_rates(self, outputs: Sequence[Any]) -> list[Tensor]:
        return [wrong(output) for wrong, output in zip(self._wrong.values(), outputs, strict=False)]

    def _agree_on_classes(self, outputs: Sequence[Any]) -> None:
        """Find out from the first outputs how classes are coded; the default metric is left out where they are not."""
        assert self._rate is not None, "it is not settled"
        targets = [data.targets for data in self._data.values()]
        try:
            coding = coding_of(targets[0], outputs[0], *targets[1:], loss=self._loss, metric=self._rate)
        except DataError:
            if not self._is_default:
                raise
            self._rate = None
            return
        shapes = map(coding.output_shape, targets)
        if self._is_default and any(output.shape != shape for output, shape in zip(outputs, shapes, strict=True)):
            self._rate = None
        else:
            self._wrong = {
                part: wrong_against(data.targets, coding, self._loss, self._rate) for part, data in self._data.items()
            }
