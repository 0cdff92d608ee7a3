"""The straight lines along which differences are taken, and the steps that are tried on one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

Function = Callable[[], Tensor]

FIRST = 2.0**-12  # of the scale: a curve of that scale is straight to 1e-8 here, and rounding is 1e-12 of the slope
FINER = 16.0  # from one step of the ladder to the next
DOWN, OWN, UP = 8, 4, 3  # steps below the first, below the element's own size, and above the first
LEAST_ULPS = 40 * 2.0**-52
NEAR_ZERO = (1e-20, 1e-40, 1e-80, 1e-160)


@dataclass(frozen=True, eq=False)
class Line:
    """The points ``θ + t d`` of a tensor ``θ``: along one element of it, or along a direction ``d`` of all.

    A step ``t`` of ``scale`` changes what is moved by about its own size.
    """

    tensor: Tensor
    scale: float
    index: tuple[int, ...] = ()
    direction: Tensor | None = None

    @property
    def place(self) -> int:
        """The place of the element in the flattened tensor."""
        sizes = self.tensor.shape
        return sum(at * math.prod(sizes[dim + 1 :]) for dim, at in enumerate(self.index))

    @property
    def start(self) -> float:
        """The number that a step is added to."""
        return abs(self.tensor[self.index].item()) if self.direction is None else 0.0

    @contextmanager
    def moved(self, step: float) -> Iterator[float]:
        """Move the tensor by ``step`` within the ``with`` block, and give the step as float64 rounds it."""
        if self.direction is None:
            value = self.tensor[self.index].item()
            try:
                self.tensor[self.index] = value + step
                yield (value + step) - value
            finally:
                self.tensor[self.index] = value
        else:
            before = self.tensor.clone()
            try:
                self.tensor.add_(self.direction, alpha=step)
                yield step
            finally:
                self.tensor.copy_(before)

    def down(self) -> list[float]:
        """Return smaller and smaller steps after the first, for what is not straight within it.

        They end where an element, being a float64, has no finer neighbours. One that is far smaller than
        the scale has steps of its own size too; zero, which has none, has a few that are tiny.
        """
        start = self.start
        steps = [FIRST * self.scale / FINER**power for power in range(1, DOWN + 1)]
        own = [start / FINER ** (power + 1) for power in range(OWN)] if start else []
        if self.direction is None and not start:
            own = [self.scale * each for each in NEAR_ZERO]
        steps += [each for each in own if each < steps[-1] / FINER]
        return [each for each in steps if each > max(LEAST_ULPS * start, 1e-307)]

    def up(self) -> list[float]:
        """Return larger and larger steps, for what rounding hides: up to the scale, and to 1/4 if that is more."""
        powers = UP + max(0, math.ceil(math.log(0.25 / self.scale, FINER))) if self.scale < 1 else UP
        return [FIRST * self.scale * FINER**power for power in range(1, min(powers, 80) + 1)]


def elements(tensor: Tensor, most: int | None = None) -> list[Line]:
    """Return a line along each element of ``tensor``, or along ``most`` of them, drawn from torch's generator."""
    some = most is not None and tensor.numel() > most
    flat = torch.randperm(tensor.numel())[:most] if some else torch.arange(tensor.numel())
    places = torch.stack(torch.unravel_index(flat, tensor.shape), 1).tolist() if tensor.dim() else [[]]
    least = typical(tensor)
    return [Line(tensor, max(least, abs(tensor[place].item())), place) for place in map(tuple, places)]


def typical(tensor: Tensor) -> float:
    """Return the median size of the numbers that are not zero, 1 if there are none.

    >>> typical(torch.tensor([0.0, 3.0, -2.0, 100.0])), typical(torch.zeros(2))
    (3.0, 1.0)
    """
    sizes = tensor[tensor != 0].abs()
    return max(sizes.median().item(), 1e-290) if sizes.numel() else 1.0
