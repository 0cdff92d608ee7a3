"""What a step may change, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from corenet.contracts.parameter import Buffer, Parameter, gradient
from corenet.contracts.tree import Tree
from corenet.training.learner import Learner


@dataclass(frozen=True)
class Held:
    """The parts of a learner's model and then of its loss: the path of each, itself, and its members by their names."""

    parts: list[tuple[str, Tree[Any], list[tuple[str, object]]]]

    def moved(self) -> list[Tensor]:
        """Return the tensors that a step may change: gradients, buffers, and whatever else is held."""
        tensors = [value for _, _, own in self.parts for _, value in own if isinstance(value, Tensor)]
        return [gradient(each) if isinstance(each, Parameter) else each for each in tensors]


def held_by(learner: Learner) -> Held:
    """Return what a learner holds, found in one walk."""
    trees = learner.model, learner.loss
    return Held([node for tree in trees for node in tree.nodes()])


def moved_by(learner: Learner) -> list[Tensor]:
    """Return the tensors that a step may change: gradients, buffers, and whatever else model and loss hold."""
    return held_by(learner).moved()


def buffers(learner: Learner) -> list[Tensor]:
    """Return the buffers of model and loss."""
    trees = learner.model, learner.loss
    return [tensor for tree in trees for _, tensor in tree.named_tensors() if isinstance(tensor, Buffer)]
