"""The plain step as an engine."""

from __future__ import annotations

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.training.engines.engine import Engine
from corenet.training.step import train_step


class Plain(Engine):
    """Trains by :func:`~corenet.train_step`, the specification of every other engine."""

    name = "plain"

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer) -> None:
        self._parts = (model, loss, optimizer)

    def step(self, input: Tensor, target: Tensor) -> Tensor:
        """Do one step of training and return the loss before it."""
        return train_step(*self._parts, input, target)
