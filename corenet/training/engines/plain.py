"""The plain step as an engine."""

from __future__ import annotations

from torch import Tensor

from corenet.contracts.several import Tensors
from corenet.training.engines.engine import Engine


class Plain(Engine):
    """Trains by :func:`~corenet.train_step`, the specification of every other engine."""

    def step(self, input: Tensors, target: Tensors) -> Tensor:
        """Do one step of training and return the loss before it."""
        return self.learner.step(input, target)
