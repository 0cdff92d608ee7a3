"""Whether two tensors agree, and where they don't."""

from __future__ import annotations

import torch
from torch import Tensor


def difference(found: Tensor, expected: Tensor, rtol: float = 1e-9) -> str:
    """Return how ``found`` differs from ``expected`` at its worst element; nothing if they agree.

    They agree within ``rtol`` of the largest expected number; with ``rtol`` 0, bit for bit.

    >>> difference(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 2.0]))
    'is 3 at [1], not 2'
    >>> difference(torch.ones(2), torch.ones(2))
    ''
    """
    if found.shape != expected.shape:
        return f"has the shape {tuple(found.shape)}, not {tuple(expected.shape)}"
    ours, theirs = found.double(), expected.double()
    largest = theirs.nan_to_num(0, 0, 0).abs().max().item() if theirs.numel() else 0.0
    if torch.allclose(ours, theirs, rtol=0, atol=rtol * max(largest, 1e-30), equal_nan=True):
        return ""
    gap = (ours - theirs).abs().nan_to_num(nan=torch.inf)
    place = torch.unravel_index(gap.argmax(), gap.shape)
    where = f" at [{', '.join(str(int(each)) for each in place)}]" if place else ""
    return f"is {ours[place].item():.9g}{where}, not {theirs[place].item():.9g}"
