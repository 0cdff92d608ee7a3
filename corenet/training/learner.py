"""What a training step works on, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.training.step import gradients, train_step


@dataclass(frozen=True)
class Learner:
    """A model, the loss that it is trained by, and the optimizer of its parameters."""

    model: Module
    loss: Loss
    optimizer: Optimizer

    def is_same(self, other: Learner) -> bool:
        """Tell whether two learners are of the same objects."""
        pairs = ((self.model, other.model), (self.loss, other.loss), (self.optimizer, other.optimizer))
        return all(one is another for one, another in pairs)

    def gradients(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the gradients on a batch, as the plain step does, and return the loss."""
        return gradients(self.model, self.loss, self.optimizer, input, target)

    def step(self, input: Tensor, target: Tensor) -> Tensor:
        """Do the plain step on a batch and return the loss before it."""
        return train_step(self.model, self.loss, self.optimizer, input, target)
