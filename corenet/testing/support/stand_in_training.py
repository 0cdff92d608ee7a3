"""A training that trains nothing: its numbers are given, and it notes what a callback does to it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from corenet.contracts.elementwise_loss import ElementwiseLoss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import Parameter
from corenet.testing.support.violation import Violation


class _Model(Module):
    def __init__(self) -> None:
        self.weight = Parameter(torch.zeros(3))


class _Descent(Optimizer):
    pass


@dataclass(frozen=True)
class Done:
    """What became of a training: when it ended, with which rate and weights."""

    epochs: int
    lr: float
    weight: float


class StandInTraining:
    """A training whose epochs come to ``numbers``, one after the other; its weights count its epochs."""

    def __init__(self, numbers: Sequence[Mapping[str, float]]) -> None:
        self._numbers = numbers
        self.model: Module = _Model()
        self.loss = ElementwiseLoss()
        self.optimizer: Optimizer = _Descent(self.model.parameters(), lr=0.5)
        self.history: list[Any] = []
        self.answers: list[object] = []  # what after_epoch returned

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return len(self.history)

    @property
    def numbers(self) -> dict[str, Any]:
        """What the last epoch came to."""
        return {"epoch": self.epoch, "lr": self.optimizer.lr, **self._numbers[self.epoch - 1]}

    def sign(self, monitor: str) -> int:
        """Return that a smaller number is better."""
        return -1

    def scale_lr(self, factor: float, least: float = 0.0) -> None:
        """Multiply the rate."""
        self.optimizer.lr = max(self.optimizer.lr * factor, least)

    def weights(self) -> Any:
        """Return a copy of the weights."""
        return self.model.state_dict()

    def restore(self, weights: Any) -> None:
        """Put back a copy."""
        self.model.load_state_dict(weights)

    def save(self, path: str | Path) -> None:
        """Write a file in the place of the weights."""
        Path(path).write_bytes(b"weights")

    def run(self, callback: Any) -> Done:
        """Go through the epochs with a callback, until it stops them."""
        self.begin_epochs(callback, len(self._numbers))
        callback.end(self)
        (weight,) = self.model.parameters()
        return Done(self.epoch, self.optimizer.lr, weight[0].item())

    def begin_epochs(self, callback: Any, epochs: int) -> None:
        """Begin, and go through some of the epochs."""
        callback.begin(self)
        for epoch, numbers in enumerate(self._numbers[:epochs], 1):
            for weight in self.model.parameters():
                weight.fill_(epoch)
            measured = {
                name.removeprefix("valid_"): each for name, each in numbers.items() if name.startswith("valid_")
            }
            record = {"epoch": epoch, "loss": numbers["loss"], "lr": self.optimizer.lr, "seconds": 0.5}
            self.history.append(SimpleNamespace(**record, train={}, valid=measured))
            before = copy.deepcopy(self.history)
            self.answers.append(callback.after_epoch(self))
            if self.history != before:
                raise Violation("after_epoch() changes the history")
            if self.answers[-1]:
                return
