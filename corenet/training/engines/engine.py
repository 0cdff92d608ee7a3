"""What a way to train has to offer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.several import Tensors, count
from corenet.data import pieces
from corenet.errors import NonFiniteError
from corenet.training.engines.recording.moving import buffers
from corenet.training.learner import Learner

Running = Literal["plain", "replay", "compiled", "graph"]


@dataclass(frozen=True)
class Piece:
    """The losses of completed steps: of a part of one epoch, or of several whole ones; or a step that was skipped."""

    losses: Sequence[tuple[Tensor, int]]  # of batches of one size, epoch after epoch; and their points together
    epochs: int = 1
    measured: Sequence[Tensor] | None = None  # each number after each epoch, if that was measured in passing
    skipped: int = 0  # points of a step whose write was left out, for a number was not finite

    @property
    def learnt(self) -> int:
        """How many points were learnt from, each as often as it came."""
        return sum(count for _, count in self.losses)

    @property
    def points(self) -> int:
        """How many points went by."""
        return self.learnt + self.skipped


class Evaluation(Protocol):
    """What is measured of a model's outputs after an epoch."""

    @property
    def is_settled(self) -> bool:
        """Whether it is known by now which numbers are measured."""
        ...

    def given(self) -> list[Tensor]:
        """Return the data that it measures on."""
        ...

    def numbers(self, model: Module) -> Sequence[Tensor]:
        """Return the numbers, measured in evaluation mode."""
        ...

    def outputs(self, model: Module) -> list[Any]:
        """Return the outputs that they are measured of."""
        ...

    def check(self, outputs: Sequence[Any]) -> None:
        """Let the loss look at the outputs of one or several evaluations, one behind the other."""
        ...

    def measure(self, outputs: Sequence[Any]) -> Sequence[Tensor]:
        """Return the numbers of outputs that were checked."""
        ...


class Engine:
    """A way to train a learner.

    ``skips`` says whether a step with a number that is not finite is left out, or ends the training.
    """

    def __init__(self, learner: Learner, skips: bool = False) -> None:
        self.learner, self.skips = learner, skips

    @property
    def running(self) -> Running:
        """The name of what does its steps, as things stand."""
        return "plain"

    def refresh(self) -> None:
        """Look for changes: anybody's code may have run since the last step."""

    def step(self, input: Tensors, target: Tensors) -> Tensor:
        """Do one step of training and return the loss before it; the next step may overwrite it."""
        raise NotImplementedError

    def max_epochs(self, points: int, batch_size: int, evaluation: Evaluation | None) -> int:
        """Return how many epochs of ``points`` points it can do in one call now, with an evaluation after each."""
        return 1

    def steps(self, inputs: Tensors, targets: Tensors, batch_size: int, epochs: int = 1) -> Iterator[Piece]:
        """Do a step on each batch in turn, the last of each epoch with what remains of it; yield what was done.

        Several epochs come one after the other.
        """
        points = count(inputs) // epochs
        for epoch in zip(pieces(inputs, points), pieces(targets, points), strict=True):
            for input, target in zip(*(pieces(each, batch_size) for each in epoch), strict=True):
                yield self._skipping(input, target) if self.skips else self._stepping(input, target)

    def _stepping(self, input: Tensors, target: Tensors) -> Piece:
        return Piece([(self.step(input, target), count(input))])

    def _skipping(self, input: Tensors, target: Tensors) -> Piece:
        """Do a step, or leave all as it was before but for what was drawn."""
        kept = [(buffer, buffer.clone()) for buffer in buffers(self.learner)]  # a forward writes in these
        try:
            return self._stepping(input, target)
        except NonFiniteError:
            for buffer, before in kept:
                buffer.copy_(before)
            return Piece([], skipped=count(input))

    def evaluate(self, evaluation: Evaluation) -> Sequence[Tensor]:
        """Return the numbers that are measured after an epoch."""
        return evaluation.numbers(self.learner.model)
