"""A training that trains nothing: its numbers are given, and it notes what a callback does to it."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from corenet.checkpoint.description import Builder, Describer
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
        return self._done()

    def _done(self) -> Done:
        (weight,) = self.model.parameters()
        return Done(self.epoch, self.optimizer.lr, weight[0].item())

    def begin_epochs(self, callback: Any, epochs: int) -> None:
        """Begin, and go through some of the epochs."""
        callback.begin(self)
        self._go_through(callback, epochs)

    def resumed(self, callback: Any, again: Any) -> Done:
        """Go on after some epochs with another callback, which is given the state of the first."""
        state = _as_from_a_file(callback.state_dict())
        again.begin(self)
        again.load_state_dict(state)
        if not (self.answers and self.answers[-1]):
            self._go_through(again, len(self._numbers))
        again.end(self)
        return self._done()

    def _go_through(self, callback: Any, epochs: int) -> None:
        for epoch, numbers in list(enumerate(self._numbers[:epochs], 1))[self.epoch :]:
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


def _as_from_a_file(state: Any) -> Any:
    """Return what a file gives back of a callback's state."""
    describer = Describer(lambda cls: None)
    return Builder(_no_component, describer.tensors).value(describer.value(state, "state_dict()"))


def _no_component(kind: str, name: str) -> type:
    raise ValueError(f"a state has no {kind}")
