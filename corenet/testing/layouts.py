"""The same numbers laid out otherwise in memory."""

from __future__ import annotations

import torch
from torch import Tensor


def strided(tensor: Tensor) -> Tensor:
    """Return the same values with every other element of memory between them.

    >>> strided(torch.ones(2, 3)).stride()
    (6, 2)
    """
    return torch.stack([tensor, tensor], -1)[..., 0]


def transposed(tensor: Tensor) -> Tensor:
    """Return the same values with the first dimension innermost in memory.

    >>> transposed(torch.ones(2, 3)).stride()
    (1, 2)
    """
    return tensor if tensor.dim() < 2 else tensor.transpose(0, -1).contiguous().transpose(0, -1)
