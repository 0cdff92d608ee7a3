"""A function of each element alone: its slope at other places than its input."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.errors import CorenetError
from corenet.testing.gradcheck.deterministic import Deterministic
from corenet.testing.gradcheck.line import typical

STEP = 1e-5
ITERATIONS = 30


def is_diagonal(jacobian: Tensor, output: Tensor) -> bool:
    """Tell whether each output depends on the input of its own index alone."""
    size = output.numel()
    if jacobian.shape != (*output.shape, *output.shape) or not size:
        return False
    square = jacobian.nan_to_num().reshape(size, size)
    return torch.equal(square, square.diagonal().diag())


def slope_at(function: Deterministic, input: Tensor, points: Tensor) -> Tensor:
    """Return ``f′`` of an input at ``points``, NaN where they lie outside of the domain."""
    step = STEP * typical(points[points.isfinite()])
    above, below = _value_at(function, input, points + step), _value_at(function, input, points - step)
    return (above - below) / (2 * step)


def preimage(function: Deterministic, input: Tensor) -> Tensor:
    """Return, by Newton's method, what ``f`` maps to the input; NaN where it finds nothing."""
    wanted = input.clone()
    points = wanted.clone()
    for _ in range(ITERATIONS):
        points = points - (_value_at(function, input, points) - wanted) / slope_at(function, input, points)
    reached = (_value_at(function, input, points) - wanted).abs() < 1e-9 * typical(wanted)
    return points.where(reached, torch.nan)


def _value_at(function: Deterministic, input: Tensor, points: Tensor) -> Tensor:
    before = input.clone()
    try:
        input.copy_(points)
        return function()
    except CorenetError:
        return torch.full_like(points, torch.nan)
    finally:
        input.copy_(before)
