"""Inputs drawn for a case: numbers of a domain, or what the case's own function draws."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.case import Case
from corenet.contracts.several import Tensors, each_of, like, mapped

AWAY_FROM_KINKS = 0.05


def drawn_in(shape: tuple[int, ...], domain: tuple[float, float], kinks: tuple[float, ...], seed: int) -> Tensor:
    """Return numbers between both ends of ``domain``, none of them near a kink."""
    low, high = domain
    drawn = low + (high - low) * torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    distance = AWAY_FROM_KINKS * (high - low)
    for kink in kinks:
        side = torch.where(drawn < kink, -1.0, 1.0).double()
        near = (drawn - kink).abs() < distance
        drawn = torch.where(near, kink + side * distance, drawn)
    return drawn.clamp(low, high)


def takes_all_numbers(domain: tuple[float, float]) -> bool:
    """Tell whether a domain stands for all numbers, as the one does that a case has by default.

    >>> takes_all_numbers((-2.0, 2.0)), takes_all_numbers((0.1, 2.0))
    (True, False)
    """
    low, high = Case().domain
    return domain[0] <= low and high <= domain[1]


def drawn_by(draw: Callable[[torch.Generator], Any], rows: int | None, seed: int) -> Tensors:
    """Return what ``draw`` gives, with float64 in the place of other floating-point numbers; of so many rows, if given.

    >>> indices, values = drawn_by(lambda generator: (torch.tensor([5, 7]), torch.ones(2, 3)), rows=5, seed=0)
    >>> indices, values.dtype
    (tensor([5, 7, 5, 7, 5]), torch.float64)
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = mapped(partial(cast, dtype=torch.float64), draw(generator))
    if rows is None:
        return drawn
    parts, size = [each_of(drawn)], len(each_of(drawn)[0])
    while size * len(parts) < rows:
        parts.append(each_of(mapped(partial(cast, dtype=torch.float64), draw(generator))))
    return like(drawn, tuple(torch.cat(several)[:rows] for several in zip(*parts, strict=True)))


def form(tensor: Tensor) -> str:
    """Return the shape of a tensor, and its dtype if it holds integers.

    >>> form(torch.ones(2, 3)), form(torch.tensor([1, 2]))
    ('(2, 3)', '(2,) of int64')
    """
    dtype = "" if tensor.is_floating_point() else f" of {str(tensor.dtype).removeprefix('torch.')}"
    return f"{tuple(tensor.shape)}{dtype}"


def cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the tensor in another floating-point dtype; integers stay such."""
    return tensor.to(dtype) if tensor.is_floating_point() else tensor
