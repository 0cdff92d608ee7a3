"""What a step may change, and what comes of it."""

from __future__ import annotations

from torch import Tensor

from corenet.contracts.parameter import Buffer, Parameter, gradient
from corenet.contracts.tree import members
from corenet.training.learner import Learner


def moved_by(learner: Learner) -> list[Tensor]:
    """Return the tensors that a step may change: gradients, buffers, and whatever else model and loss hold."""
    own = [value for part in learner.parts() for _, value in members(part) if isinstance(value, Tensor)]
    return [gradient(each) if isinstance(each, Parameter) else each for each in own]


def buffers(learner: Learner) -> list[Tensor]:
    """Return the buffers of model and loss."""
    trees = learner.model, learner.loss
    return [tensor for tree in trees for _, tensor in tree.named_tensors() if isinstance(tensor, Buffer)]
