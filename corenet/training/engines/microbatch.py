"""A batch in pieces: the gradients of a large batch are the sum over its parts, which need a part of the memory."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.contracts.loss import averages
from corenet.contracts.penalties import collected, with_penalties
from corenet.contracts.several import Tensors, count, each_of, mapped
from corenet.data import pieces
from corenet.training.engines.engine import Engine
from corenet.training.finite import refuse_non_finite, value_of
from corenet.training.learner import Learner
from corenet.training.step import backward_parameters


class MicroBatch(Engine):
    """Trains by the plain step, with each batch cut into pieces of at most ``size`` points.

    The mean over a batch is the mean over its pieces, each weighed by its points. So the step is the plain one
    within the rounding of sums, unless a module looks at the batch as a whole or draws random numbers.
    """

    def __init__(self, learner: Learner, size: int, skips: bool = False) -> None:
        super().__init__(learner, skips)
        self.size = size

    def step(self, input: Tensors, target: Tensors) -> Tensor:
        """Do one step of training and return the loss before it."""
        value = gradients_in_pieces(self.learner, input, target, self.size)
        refuse_non_finite(self.learner.model, self.learner.optimizer, value)
        self.learner.optimizer.step()
        return value


def gradients_in_pieces(learner: Learner, input: Tensors, target: Tensors, size: int) -> Tensor:
    """Compute the gradient of every parameter on one batch, piece by piece, and return the loss."""
    model, loss = learner.model, learner.loss
    learner.optimizer.zero_grad()
    is_mean = averages(loss)
    values = []

    def backward(share: float) -> None:
        backward_parameters(model, mapped(lambda gradient: share * gradient, loss.backward()))

    for piece, aim in zip(pieces(input, size), pieces(target, size), strict=True):
        share = count(piece) / count(input) if is_mean else 1.0
        with collected() as penalties:
            prediction = model(*each_of(piece))
        value = with_penalties(value_of(loss, prediction, aim), penalties)
        backward(share)
        values.append(share * value)
    return torch.cat(values) if values[0].dim() else torch.stack(values).sum()
