"""Whether an output depends on a tensor at all, or only not here."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.testing.gradcheck.line import Function, typical
from corenet.testing.gradcheck.noise import EPS

MOVES = (1.0, -1.0, 30.0)  # of the tensor's size
ROUNDING = 1e4 * EPS
SEED = 4_000_037


def depends(function: Function, output: Tensor, tensor: Tensor) -> bool:
    """Tell whether ``output`` changes, by more than rounding, where all of ``tensor`` is moved far.

    >>> x = torch.tensor([-1.0, -2.0], dtype=torch.float64)
    >>> depends(lambda: x.relu(), x.relu(), x), depends(lambda: x - x, x - x, x)
    (True, False)
    """
    generator = torch.Generator().manual_seed(SEED)
    before = tensor.clone()
    size = max(typical(before), before.abs().max().item() if before.numel() else 0.0)
    try:
        for move in (*(size * part for part in MOVES), 1.0, 30.0):
            drawn = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype).to(tensor.device)
            tensor.copy_(before + move * drawn)
            if _differs(function, output):
                return True
        return False
    finally:
        tensor.copy_(before)


def _differs(function: Function, output: Tensor) -> bool:
    try:
        found = function()
    except Exception:  # noqa: BLE001 - it refuses what is moved, so it looks at it
        return True
    finite = output.isfinite()
    if found.shape != output.shape or not torch.equal(found.isfinite(), finite):
        return True
    size = output[finite].abs().max().item() if finite.any() else 0.0
    return not torch.allclose(found[finite], output[finite], rtol=0, atol=ROUNDING * size)
