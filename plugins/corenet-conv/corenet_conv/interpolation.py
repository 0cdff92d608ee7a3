"""Values between the elements of a tensor, along one dimension, and the derivative of that."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Points:
    """Points along a dimension, each at ``low + fraction``, between two neighbours; without fractions at ``low``."""

    low: Tensor
    high: Tensor
    fraction: Tensor | None


def nearest(ratio: float, size: int, count: int, like: Tensor) -> Points:
    """Return the elements that ``count`` points fall on which lie ``ratio`` apart."""
    low = (_counted(count, like) * ratio).long().clamp(max=size - 1)
    return Points(low, low, None)


def between(ratio: float, size: int, count: int, aligned: bool, like: Tensor) -> Points:
    """Return ``count`` points, ``ratio`` apart; the first at the first element if aligned, else centred as a whole."""
    place = _counted(count, like)
    place = place * ratio if aligned else ((place + 0.5) * ratio - 0.5).clamp(min=0)
    low = place.long().clamp(max=size - 1)
    return Points(low, (low + 1).clamp(max=size - 1), (place - low).clamp(0, 1))


def interpolate(input: Tensor, dim: int, points: Points) -> Tensor:
    """Return ``(1 − f) x[low] + f x[high]``, the values of ``input`` at ``points``."""
    low = input.index_select(dim, points.low)
    if points.fraction is None:
        return low
    fraction = _along(dim, points.fraction)
    return (1 - fraction) * low + fraction * input.index_select(dim, points.high)


def interpolate_backward(grad_output: Tensor, dim: int, points: Points, size: int) -> Tensor:
    """Return the gradient of the input: ``dx[low] += (1 − f) dy`` and ``dx[high] += f dy``."""
    shape = list(grad_output.shape)
    shape[dim] = size
    grad_input = grad_output.new_zeros(shape)
    if points.fraction is None:
        return grad_input.index_add_(dim, points.low, grad_output)
    upper = _along(dim, points.fraction) * grad_output
    return grad_input.index_add_(dim, points.low, grad_output - upper).index_add_(dim, points.high, upper)


def _counted(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, dtype=like.dtype, device=like.device)


def _along(dim: int, fraction: Tensor) -> Tensor:
    """Return fractions in the shape that lies along a dimension counted from the last, −1."""
    return fraction.view(-1, *(1,) * (-dim - 1))
