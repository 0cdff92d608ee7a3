"""A large gradient in random directions: what a sample of its elements may miss."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.errors import RangeError
from corenet.testing.gradcheck.numeric import Function
from corenet.testing.gradcheck.report import TensorReport

DIRECTIONS = 5
STEP = 1e-6
RTOL = 1e-4
SEED = 3_000_017


def along_directions(
    name: str, function: Function, tensor: Tensor, upstream: Tensor, gradient: Tensor
) -> TensorReport | None:
    """Return how ``gradient`` agrees with differences along random unit vectors ``v``, None outside of the domain.

    ``⟨gradient, v⟩`` is compared with ``u · (f(θ + hv) − f(θ − hv)) / 2h``, h = 1e−6. Every element takes
    part in each, so one that is wrong shows wherever it is; the tolerance, 1e−4 of ``|gradient| / √n``,
    is that of a sum over n of them.
    """
    worst = (-1.0, 0.0, 0.0)
    scale = max(gradient.norm().item() / tensor.numel() ** 0.5, 1e-12)
    generator = torch.Generator().manual_seed(SEED)  # of its own: the function rewinds torch's
    for _ in range(DIRECTIONS):
        direction = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype).to(tensor.device)
        direction /= direction.norm()
        try:
            difference = _moved(function, tensor, STEP * direction) - _moved(function, tensor, -STEP * direction)
        except RangeError:
            return None
        ours, found = (gradient * direction).sum().item(), (difference * upstream).sum().item() / (2 * STEP)
        error = abs(ours - found) / max(scale, abs(found))
        worst = max(worst, (error if error == error else torch.inf, ours, found))
    shape = tuple(tensor.shape)
    return TensorReport(f"{name} in random directions", shape, DIRECTIONS, 0, worst[0], RTOL, (), *worst[1:])


def _moved(function: Function, tensor: Tensor, step: Tensor) -> Tensor:
    before = tensor.clone()
    try:
        tensor += step
        return function()
    finally:
        tensor.copy_(before)
