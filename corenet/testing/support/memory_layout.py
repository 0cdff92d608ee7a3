"""The memory layout of a tensor: strided, transposed, shared."""

from __future__ import annotations

import torch
from torch import Tensor


def strided(tensor: Tensor) -> Tensor:
    """Return the same values with strides twice as large.

    >>> strided(torch.ones(2, 3)).stride()
    (6, 2)
    """
    return torch.stack([tensor, tensor], -1)[..., 0]


def transposed(tensor: Tensor) -> Tensor:
    """Return the same values with the first and last dimension exchanged in memory.

    >>> transposed(torch.ones(2, 3)).stride()
    (1, 2)
    """
    return tensor if tensor.dim() < 2 else tensor.transpose(0, -1).contiguous().transpose(0, -1)


def share_memory(left: Tensor, right: Tensor) -> bool:
    """Tell whether both use the same memory."""
    return left.numel() > 0 and left.untyped_storage().data_ptr() == right.untyped_storage().data_ptr()
