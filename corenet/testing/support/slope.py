"""Slopes along one direction, with a bound of their own error: a check of many rows at the price of a few forwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

STEP = 1e-4
SHRINK = 8
FAULT = 1e-5
MARGIN = 4
ROUNDING = 64 * torch.finfo(torch.float64).eps


@dataclass(frozen=True)
class Slopes:
    """The derivative of each output along a direction, how far it may be off, and the direction.

    It is off by what differences of several steps contradict each other (``doubt``), and by ``rounding``.
    """

    found: Tensor
    doubt: Tensor
    rounding: Tensor
    directions: dict[str, Tensor]

    def disagree(self, gradients: Mapping[str, Tensor], upstream: Tensor) -> str:
        """Return how ``gradients`` for ``upstream`` differ from the slopes beyond their error; '' if they do not."""
        expected = (self.found * upstream).sum().item()
        size, doubt, rounding = (
            (each * upstream).abs().sum().item() for each in (self.found, self.doubt, self.rounding)
        )
        if not torch.isfinite(self.found).all() or not doubt + rounding < torch.inf:
            return ""
        if doubt > size + rounding:
            return ""  # no step knows anything, as of a long recurrence that is chaotic
        terms = [(gradients[name] * each).reshape(-1) for name, each in self.directions.items()]
        ours, spread = torch.cat(terms).sum().item(), torch.cat(terms).norm().item()
        if abs(ours - expected) <= MARGIN * (doubt + rounding) + FAULT * max(spread, abs(expected)):
            return ""  # where ours is not finite this is false
        return f"is {ours:.9g}, not {expected:.9g}"


def slopes(function: Callable[[], Tensor], tensors: Mapping[str, Tensor], seed: int) -> Slopes:
    """Return the derivative of ``function``'s output along a random direction in ``tensors``, which it reads.

    Three central differences, each with an eighth of the step of the one before, bound the error of the second:
    by what they differ, and by what the slopes to the left and the right differ, which is large at a kink.

    >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    >>> found = slopes(lambda: x.square(), {"input": x}, seed=0)
    >>> found.disagree({"input": 2 * x}, torch.ones(2)), found.disagree({"input": x}, torch.ones(2)) == ""
    ('', False)
    """
    directions = {name: _direction(tensor, seed + place) for place, (name, tensor) in enumerate(tensors.items())}
    middle = function()
    central, bend, rounding = [], torch.zeros(()), torch.zeros(())
    for power in range(3):
        step = STEP / SHRINK**power
        right, left = (_moved(function, tensors, directions, sign * step) for sign in (1, -1))
        central.append((right - left) / (2 * step))
        bend = torch.maximum(bend, (right - 2 * middle + left).abs() / step) if power else bend
        rounding = ROUNDING * middle.abs() / step
    doubt = (central[1] - central[0]).abs() + (central[1] - central[2]).abs() + bend
    return Slopes(central[1], doubt, rounding, directions)


def _direction(tensor: Tensor, seed: int) -> Tensor:
    """Return normal numbers of the size of ``tensor``'s, but of 1 at most."""
    drawn = torch.randn(tensor.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    size = tensor.square().mean().sqrt().item() if tensor.numel() else 0.0
    return drawn * (min(size, 1.0) or 1.0)


def _moved(
    function: Callable[[], Tensor], tensors: Mapping[str, Tensor], directions: Mapping[str, Tensor], step: float
) -> Tensor:
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    try:
        for name, tensor in tensors.items():
            tensor.add_(step * directions[name])
        return function()
    finally:
        for name, tensor in tensors.items():
            tensor.copy_(before[name])
