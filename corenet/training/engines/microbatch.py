"""A batch in pieces: the gradients of a large batch are the sum over its parts, which need a part of the memory."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.contracts.loss import Loss, averages
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.training.engines.engine import Engine
from corenet.training.finite import refuse_non_finite, value_of


class Micro(Engine):
    """Trains by the plain step, with each batch cut into pieces of at most ``size`` points.

    The mean over a batch is the mean over its pieces, each weighed by its points. So the step is the plain one
    within the rounding of sums, unless a module looks at the batch as a whole or draws random numbers.
    """

    name = "plain"

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer, size: int) -> None:
        self._parts = (model, loss, optimizer)
        self.size = size

    def step(self, input: Tensor, target: Tensor) -> Tensor:
        """Do one step of training and return the loss before it."""
        model, loss, optimizer = self._parts
        value = gradients_in_pieces(model, loss, optimizer, input, target, self.size)
        refuse_non_finite(model, optimizer, value)
        optimizer.step()
        return value


def gradients_in_pieces(
    model: Module, loss: Loss, optimizer: Optimizer, input: Tensor, target: Tensor, size: int
) -> Tensor:
    """Compute the gradient of every parameter on one batch, piece by piece, and return the loss."""
    optimizer.zero_grad()
    is_mean = averages(loss)
    values = []
    for piece, aim in zip(input.split(size), target.split(size), strict=True):
        share = len(piece) / len(input) if is_mean else 1.0
        value = value_of(loss, model(piece), aim)
        model.backward_parameters(share * loss.backward())
        values.append(share * value)
    return torch.cat(values) if values[0].dim() else torch.stack(values).sum()
