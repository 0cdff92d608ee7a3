"""Proving an optimizer: it has no gradient, but it must go down, and alike however parameters are laid out."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import Parameter

STEPS = 50
LR = 0.01


def descends(optimizer: type[Optimizer]) -> str | None:
    """Return what is wrong with an optimizer, or None.

    It takes 50 steps on ``½ |w|²``, whose gradient is ``w``, with lr 0.01. The value must
    fall, and the two parameters must end as they do when each has an optimizer of its own.

    >>> import corenet as cn
    >>> descends(cn.SGD) is None
    True
    """
    together, apart = _start(), _start()
    both = optimizer(together, lr=LR)
    each = [optimizer([parameter], lr=LR) for parameter in apart]
    before = _value(together)
    for _ in range(STEPS):
        for parameter in (*together, *apart):
            parameter.grad.copy_(parameter)
        both.step()
        for one in each:
            one.step()
    after = _value(together)
    if not after < before:
        return f"½|w|² went from {before:.6g} to {after:.6g} in {STEPS} steps at lr {LR}: no descent"
    if not all(torch.allclose(a, b, rtol=1e-12, atol=0) for a, b in zip(together, apart, strict=True)):
        return "parameters end elsewhere when optimized together than when optimized each alone"
    return None


def _start() -> list[Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [Parameter(torch.randn(shape, generator=generator, dtype=torch.float64)) for shape in ((3, 2), (4,))]


def _value(parameters: list[Parameter]) -> float:
    def half_square(tensor: Tensor) -> float:
        return tensor.square().sum().item() / 2

    return sum(map(half_square, parameters))
