"""Results in a dtype of few digits against exact ones, as far as rounding lets them be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from corenet.testing.support.drawing import cast

DIGITS = 8.0  # as many last digits may each number be off, of the size of its tensor and of the largest
SENSITIVITY = 4.0  # as many times what the inputs' last digits change
BLIND = 0.25  # a tensor that rounding may change by more of its size is not judged
SAMPLES = 3
GRADIENT = "gradient"


@dataclass(frozen=True)
class Rounded:
    """Results in ``dtype``, the exact ones for the same numbers, and exact ones for numbers a last digit away.

    All are by name, of which those of gradients say so. Sizes are root mean squares, so that a single element, such as
    that of another maximum, is not much.
    """

    dtype: torch.dtype
    found: Mapping[str, Tensor]
    exact: Mapping[str, Tensor]
    nearby: Sequence[Mapping[str, Tensor]]

    def wrong(self) -> dict[str, str]:
        """Return, by name, how a result is off by more than rounding; nothing of those that cannot be judged."""
        wrong = {}
        for name, tolerance in self.judged().items():
            gap = self._size(name, self.found[name].double() - self.exact[name]) / self._size(name, self.exact[name])
            if not gap <= tolerance:
                wrong[name] = f"is off by {gap:.2g} of its size, of which rounding explains {tolerance:.1g}"
        return wrong

    def judged(self) -> dict[str, float]:
        """Return, by name, how much of its size rounding may change of a result, of those that can be judged.

        Integers cannot: the place of a maximum is another one, not one nearby.
        """
        sizes = {name: self._size(name, exact) for name, exact in self.exact.items() if exact.is_floating_point()}
        largest = max((size for name, size in sizes.items() if GRADIENT in name), default=0.0)
        found = {}
        for name, size in sizes.items():
            spread = max(
                (self._size(name, each[name].double() - self.exact[name]) for each in self.nearby), default=0.0
            )
            terms = size + (largest if GRADIENT in name else size)  # a small one may be what is left of large terms
            tolerance = DIGITS * torch.finfo(self.dtype).eps * terms + SENSITIVITY * spread
            if tolerance <= BLIND * size and size:
                found[name] = tolerance / size
        return found

    def _size(self, name: str, values: Tensor) -> float:
        """Return the root mean square of those elements that the dtype can hold."""
        holds = self.exact[name].to(self.dtype).isfinite()
        return values[holds].square().mean().sqrt().item() if holds.any() else 0.0


def moved_by_digits(tensors: Sequence[Tensor], dtype: torch.dtype, seed: int) -> list[Tensor]:
    """Return the tensors with each number moved by up to one last digit of ``dtype``; integers stay as they are.

    >>> (moved,) = moved_by_digits([torch.ones(3)], torch.float16, seed=0)
    >>> bool((moved != 1).all()), bool((moved - 1).abs().max() <= 2**-10)
    (True, True)
    """
    generator = torch.Generator().manual_seed(seed)
    eps = torch.finfo(dtype).eps
    turns = (2 * torch.rand(each.shape, generator=generator, dtype=torch.float64) - 1 for each in tensors)
    return [
        cast(each.double() * (1 + eps * turn), each.dtype) if each.is_floating_point() else each
        for each, turn in zip(tensors, turns, strict=True)
    ]
