"""How the numbers of a tensor lie in memory."""

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


def share_memory(left: Tensor, right: Tensor) -> bool:
    """Tell whether both have their numbers in the same memory."""
    return left.numel() > 0 and left.untyped_storage().data_ptr() == right.untyped_storage().data_ptr()
