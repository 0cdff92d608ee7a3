"""A loss in which each row counts by a weight of its own."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.errors import ConfigError, ShapeError


class RowWeightedLoss(Loss):
    r"""The mean of another loss over rows of different weight, ``L = Σₙ wₙ ℓₙ / Σₙ wₙ``.

    ``ℓₙ`` is the mean of row n's elements, and ``∂L/∂xₙ = wₙ / Σₖ wₖ · ∂ℓₙ/∂xₙ``. A row of weight 2 counts like two of
    weight 1, within a batch.

    Args:
        loss: the loss of the rows, one with a ``reduction``; it is left as it is.

    Shape: input as that of ``loss``; the target is a tuple, its target and the weights ``(N,)``.

    Raises:
        ConfigError: the loss has no ``reduction``, so that its rows cannot be told apart.
        ShapeError: there is not one weight for each row.

    >>> import corenet as cn, torch
    >>> loss = RowWeightedLoss(cn.MSELoss())
    >>> loss(torch.tensor([[1.0], [3.0]]), (torch.zeros(2, 1), torch.tensor([3.0, 1.0])))
    tensor(3.)
    >>> loss.backward()
    tensor([[1.5000],
            [1.5000]])
    """

    def __init__(self, loss: Loss) -> None:
        if not hasattr(loss, "reduction"):
            raise ConfigError(f"weights of rows need a loss with a reduction, which {loss!r} has not", name="loss")
        self.loss = copy.copy(loss)  # with the parameters of the other, if it has any
        self.loss.reduction = "none"
        self.class_dim, self.ignore_index = loss.class_dim, loss.ignore_index

    def forward(self, input: Any, target: Any) -> Tensor:
        target, weight = target
        values = self.loss(input, target)
        share = weight / (weight.sum() * (values.numel() // len(weight)))
        self.save(share)
        return (_along_rows(share, values) * values).sum()

    def backward(self) -> Tensor:
        (share,) = self.saved()
        gradient: Tensor = self.loss.backward()
        return _along_rows(share, gradient) * gradient

    def check(self, input: Any, target: Any) -> None:
        if not isinstance(target, tuple) or len(target) != 2:
            raise ConfigError(f"{self!r} takes a target and the weights of its rows, as a tuple", name="target")
        if target[1].shape != target[0].shape[:1]:
            raise ShapeError(f"{self!r}: weights", target[1].shape, f"expected one for each of {len(target[0])} rows")

    def weighs_points_alike(self, target: Any) -> bool:
        """Tell whether all rows have one weight, and the loss weighs them alike."""
        return bool((target[1] == target[1][0]).all()) and self.loss.weighs_points_alike(target[0])

    def probabilities(self, output: Any) -> Tensor:
        """Return the probabilities that the loss makes of an output."""
        return self.loss.probabilities(output)

    def predictions(self, output: Any) -> Tensor:
        """Return what the loss makes of an output."""
        return self.loss.predictions(output)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.loss!r})"


def _along_rows(weights: Tensor, values: Tensor) -> Tensor:
    """Return weights of rows in a shape that broadcasts to that of ``values``, and in their dtype."""
    return weights.reshape(-1, *[1] * (values.dim() - 1)).to(values.dtype)
