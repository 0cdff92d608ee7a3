"""A batch in pieces: the gradients of a large batch are the sum over its parts, which need a part of the memory."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.contracts.loss import averages
from corenet.training.engines.engine import Engine
from corenet.training.finite import refuse_non_finite, value_of
from corenet.training.learner import Learner


class MicroBatch(Engine):
    """Trains by the plain step, with each batch cut into pieces of at most ``size`` points.

    The mean over a batch is the mean over its pieces, each weighed by its points. So the step is the plain one
    within the rounding of sums, unless a module looks at the batch as a whole or draws random numbers.
    """

    def __init__(self, learner: Learner, size: int) -> None:
        super().__init__(learner)
        self.size = size

    def step(self, input: Tensor, target: Tensor) -> Tensor:
        """Do one step of training and return the loss before it."""
        value = gradients_in_pieces(self.learner, input, target, self.size)
        refuse_non_finite(self.learner.model, self.learner.optimizer, value)
        self.learner.optimizer.step()
        return value


def gradients_in_pieces(learner: Learner, input: Tensor, target: Tensor, size: int) -> Tensor:
    """Compute the gradient of every parameter on one batch, piece by piece, and return the loss."""
    model, loss = learner.model, learner.loss
    learner.optimizer.zero_grad()
    is_mean = averages(loss)
    values = []
    for piece, aim in zip(input.split(size), target.split(size), strict=True):
        share = len(piece) / len(input) if is_mean else 1.0
        value = value_of(loss, model(piece), aim)
        model.backward_parameters(share * loss.backward())
        values.append(share * value)
    return torch.cat(values) if values[0].dim() else torch.stack(values).sum()
