"""What a way to train has to offer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from torch import Tensor

from corenet.training.learner import Learner

Running = Literal["plain", "replay", "compiled", "graph"]


class Engine:
    """A way to train a learner."""

    def __init__(self, learner: Learner) -> None:
        self.learner = learner

    @property
    def running(self) -> Running:
        """The name of what does its steps, as things stand."""
        return "plain"

    def refresh(self) -> None:
        """Look for changes: anybody's code may have run since the last step."""

    def step(self, input: Tensor, target: Tensor) -> Tensor:
        """Do one step of training and return the loss before it; the next step may overwrite it."""
        raise NotImplementedError

    @property
    def max_steps(self) -> int:
        """How many steps it does in one call, as things stand."""
        return 1

    def steps(self, inputs: Tensor, targets: Tensor, batch_size: int, epochs: int = 1) -> Iterator[tuple[Tensor, int]]:
        """Do a step on each batch in turn; yield the loss, or the losses of several steps, and the number of points.

        Several epochs come one after the other, each of whole batches; what is yielded is of a part of one epoch, or
        of several whole ones.
        """
        for input, target in zip(inputs.split(batch_size), targets.split(batch_size), strict=True):
            yield self.step(input, target), len(input)
