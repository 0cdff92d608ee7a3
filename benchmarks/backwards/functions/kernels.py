"""What kernels do that formulas do not: read memory as it lies, and compute in more digits than they store."""

from __future__ import annotations

import torch
from torch import Tensor


def memory_of(tensor: Tensor) -> Tensor:
    """Return the numbers that a kernel reads which takes the memory of ``tensor`` for contiguous."""
    size = tensor.untyped_storage().nbytes() // tensor.element_size()
    places = (tensor.storage_offset() + torch.arange(tensor.numel())) % size
    return torch.as_strided(tensor, (size,), (1,), 0)[places].view(tensor.shape)


def wide(tensor: Tensor) -> Tensor:
    """Return ``tensor`` in the digits that a kernel computes in: those of float32, or more if it has more."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()
