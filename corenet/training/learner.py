"""What a training step works on, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import Parameter
from corenet.contracts.several import Tensors
from corenet.contracts.tree import Tree
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

    def parts(self) -> list[Tree[Any]]:
        """Return every module of the model, and the loss with those below it."""
        return [part for tree in (self.model, self.loss) for _, part in tree.named_modules()]

    def parameters(self) -> list[Parameter]:
        """Return every parameter of model and loss once."""
        own = {id(each): each for tree in (self.model, self.loss) for each in tree.parameters()}
        return list(own.values())

    def gradients(self, input: Tensors, target: Tensors) -> Tensor:
        """Compute the gradients on a batch, as the plain step does, and return the loss."""
        return gradients(self.model, self.loss, self.optimizer, input, target)

    def step(self, input: Tensors, target: Tensors) -> Tensor:
        """Do the plain step on a batch and return the loss before it."""
        return train_step(self.model, self.loss, self.optimizer, input, target)
