"""Whether two tensors agree, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def difference(found: Tensor, expected: Tensor, rtol: float = 1e-9, least: float = 1e-30) -> str:
    """Return how ``found`` differs from ``expected`` at the worst element; an empty string if they agree.

    The tolerance is ``rtol`` times the larger of ``least`` and the largest expected element; 0 means bit for bit.

    >>> difference(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 2.0]))
    'is 3 at [1], not 2'
    >>> difference(torch.ones(2), torch.ones(2))
    ''
    """
    if found.shape != expected.shape:
        return f"has the shape {tuple(found.shape)}, not {tuple(expected.shape)}"
    ours, theirs = found.double(), expected.double()
    largest = theirs.nan_to_num(0, 0, 0).abs().max().item() if theirs.numel() else 0.0
    same = torch.isclose(ours, theirs, rtol=0, atol=rtol * max(largest, least), equal_nan=True)
    if same.all():
        return ""
    gap = (ours - theirs).abs().nan_to_num(nan=torch.inf).masked_fill(same, 0)
    place = torch.unravel_index(gap.argmax(), gap.shape)
    where = f" at [{', '.join(str(int(each)) for each in place)}]" if place else ""
    return f"is {ours[place].item():.9g}{where}, not {theirs[place].item():.9g}"


def differences(
    found: Mapping[str, Tensor], expected: Mapping[str, Tensor], rtol: float = 1e-9, least: float = 1e-30
) -> str:
    """Return how tensors differ from the expected ones of the same names; an empty string if all agree."""
    wrong = {name: difference(tensor, expected[name], rtol, least) for name, tensor in found.items()}
    return ", ".join(f"{name} {how}" for name, how in wrong.items() if how)
