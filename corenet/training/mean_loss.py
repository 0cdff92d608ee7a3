"""The loss of outputs as an epoch has it: the mean over the points."""

from __future__ import annotations

import copy

from torch import Tensor

from corenet.contracts.loss import Loss, averages
from corenet.contracts.several import Tensors, count


def mean_loss(loss: Loss, output: Tensors, targets: Tensors) -> Tensor:
    """Return the loss as an epoch has it: the mean over the points, of an output that was checked.

    It is that of a copy of the loss, so that one which counts its calls counts those of the training alone.
    """
    value = copy.copy(loss).evaluate(output, targets).double()
    if not averages(loss):
        return value.sum() / count(targets)
    return value.mean() if value.dim() else value
