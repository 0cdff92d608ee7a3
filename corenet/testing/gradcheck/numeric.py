"""Derivatives by central differences: what a gradient by hand is held against."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from corenet.errors import RangeError

STEP = 1e-5
KINK = 1e-3

Function = Callable[[], Tensor]


def derivative(function: Function, tensor: Tensor, index: tuple[int, ...], centre: Tensor) -> Tensor | None:
    """Return ``∂f/∂θ`` for one element θ of ``tensor``, in the shape of the output, or None if there is none.

    ``function`` reads ``tensor`` as it stands; ``centre`` is its value as it stands now.

    ``(f(θ + h) − f(θ − h)) / 2h`` with ``h = 1e−5 · max(1, |θ|)``. Where the slopes on the two
    sides differ, h is divided by ten: a curve becomes straighter by that, a kink does not. There
    is no derivative at a kink, nor where a step leads out of the domain of ``f``.

    >>> x = torch.tensor([3.0, 0.0], dtype=torch.float64)
    >>> derivative(lambda: x[0] ** 2, x, (0,), x[0] ** 2)
    tensor(6.0000, dtype=torch.float64)
    >>> derivative(lambda: x.abs().sum(), x, (1,), x.abs().sum()) is None
    True

    Reference: W. Press et al., "Numerical Recipes", 3rd edition, section 5.7.
    """
    step = STEP * max(1.0, abs(tensor[index].item()))
    try:
        slope, gap = _slope(function, tensor, index, centre, step)
        if gap <= KINK:
            return slope
        closer, smaller_gap = _slope(function, tensor, index, centre, step / 10)
    except RangeError:
        return None
    return closer if smaller_gap < gap / 3 else None


def _slope(
    function: Function, tensor: Tensor, index: tuple[int, ...], centre: Tensor, step: float
) -> tuple[Tensor, float]:
    """Return the mean of the slopes on the two sides, and by how much they differ at most, relative to them."""
    right = (_moved(function, tensor, index, step) - centre) / step
    left = (centre - _moved(function, tensor, index, -step)) / step
    scale = torch.maximum(left.abs(), right.abs()).clamp(min=1)
    gap = ((right - left).abs() / scale).max().item() if centre.numel() else 0.0
    return (left + right) / 2, gap


def _moved(function: Function, tensor: Tensor, index: tuple[int, ...], step: float) -> Tensor:
    value = tensor[index].item()
    try:
        tensor[index] = value + step
        return function()
    finally:
        tensor[index] = value
