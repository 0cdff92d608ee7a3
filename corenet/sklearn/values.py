"""Values that a network learns as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.errors import DataError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Values:
    """Values in one column or several; ``flat`` says that they came, and are returned, without a dimension for it.

    >>> import corenet as cn
    >>> values = Values(1, cn.MSELoss(), flat=True)
    >>> values.targets(np.array([3.0, 4.0]), torch.float32)
    tensor([[3.],
            [4.]])
    >>> values.read(torch.tensor([[2.0], [5.0]])).tolist()
    [2.0, 5.0]
    """

    columns: int
    loss: Loss
    flat: bool

    def targets(self, y: Array, dtype: torch.dtype) -> Tensor:
        """Return what the network is to learn.

        Raises:
            DataError: there are not as many columns as there were.
        """
        columns = y.reshape(len(y), -1)
        if columns.shape[1] != self.columns:
            raise DataError(f"y has {columns.shape[1]} columns, and the network was made for {self.columns}")
        return torch.tensor(columns, dtype=dtype)

    def read(self, output: Tensor) -> Array:
        """Return the values that the network's output predicts."""
        values: Array = self.loss.predictions(output).numpy()
        return values[:, 0] if self.flat else values

    def score(self, output: Tensor, targets: Tensor, weights: Tensor | None) -> float:
        """Return R², ``1 − Σ w (t − x)² / Σ w (t − mean t)²``, its mean over the columns."""
        share = (torch.ones(len(targets)) if weights is None else weights).to(targets.dtype).unsqueeze(1)
        error = (share * (targets - self.loss.predictions(output)).square()).sum(0)
        spread = (share * (targets - (share * targets).sum(0) / share.sum()).square()).sum(0)
        return (1 - error / spread).mean().item()
