"""A slope from five points, and how far it may be off."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

# The two steps of a stencil differ by this. It is no whole number, for rounding that goes by a lattice (an output
# near 1e8 is a multiple of 1.5e-8) can come to the same slope at steps of which one is a multiple of the other.
RATIO = 3.7
CONVERGED = 0.1
BEND = 8.0  # as many times the rounding must the slopes of the two sides differ by to be seen as different


class Stencil(NamedTuple):
    """Slopes along lines, one for each line and upstream gradient, from ``f(θ ± h)``, ``f(θ ± h/3.7)`` and ``f(θ)``.

    ``truncation`` is what the finite steps may leave of the curve's higher derivatives, ``scatter`` the
    rounding that shows in the five points, and ``floor`` the rounding that is there in any case. ``bent`` says
    that the slopes on the two sides of ``θ`` differ by more than rounding, and by no less at the smaller step,
    as at a kink; ``steepest`` is the larger of the two. Where a point lies outside of the domain of ``f`` the
    slope is NaN and ``truncation`` infinite.
    """

    slope: Tensor
    truncation: Tensor
    scatter: Tensor
    floor: Tensor
    bent: Tensor
    steepest: Tensor

    @property
    def rounding(self) -> Tensor:
        """The bound of what rounding does."""
        return self.scatter + self.floor

    @property
    def error(self) -> Tensor:
        """The bound of both errors together."""
        return self.truncation + self.scatter + self.floor

    @property
    def flat(self) -> Tensor:
        """Where the five points show no more than rounding."""
        return self.truncation + self.scatter <= 4 * self.floor

    @property
    def converged(self) -> Tensor:
        """Where both steps come to nearly the same slope, on both sides."""
        return (self.truncation + self.scatter <= CONVERGED * self.slope.abs()) & (self.slope != 0)


def offsets(step: float) -> tuple[float, float, float, float]:
    """Return the four steps of a stencil."""
    return step, -step, step / RATIO, -step / RATIO


def stencil(changes: Tensor, steps: Tensor, floor: Tensor) -> Stencil:
    r"""Return the slopes for the ``changes`` (line, offset, upstream) of ``u · f`` at ``steps`` (line, offset).

    With the central differences ``C(h) = (f(θ + h) − f(θ − h)) / 2h`` and ``r = 3.7``, Richardson's
    extrapolation is::

        slope = (r² C(h/r) − C(h)) / (r² − 1)

    from which the term in h² is gone; ``|C(h) − C(h/r)|``, which still has it, bounds the truncation.
    Of a smooth function, ``s(h) = f(θ + h) − 2 f(θ) + f(θ − h)`` goes with h², so ``s(h)/r² − s(h/r)``
    is rounding and little else. ``floor`` is the rounding of ``u · f`` that is there in any case.

    Reference: C. Ridders, "Accurate computation of F′(x) and F′(x) F″(x)", Adv. Eng. Software 4, 1982.
    """
    sides = changes / steps[..., None]
    right, left = sides[:, 0::2], sides[:, 1::2]  # each of both steps
    width = (steps[:, 0::2] - steps[:, 1::2])[..., None]
    central = (changes[:, 0::2] - changes[:, 1::2]) / width
    gap = right - left
    second = gap * width / 2
    slope = (RATIO**2 * central[:, 1] - central[:, 0]) / (RATIO**2 - 1)
    truncation = (central[:, 0] - central[:, 1]).abs().nan_to_num(nan=torch.inf)
    small = width[:, 1] / 2
    scatter = ((second[:, 0] / RATIO**2 - second[:, 1]).abs() / small).nan_to_num(0, 0)
    near, far = gap[:, 1].abs(), gap[:, 0].abs()
    bent = (near > BEND * floor / small) & (near > 0.6 * far) & (near < 1.6 * far)  # 1/3.7 of it if smooth
    return Stencil(slope, truncation, scatter, floor / small, bent, sides[:, 2:].abs().amax(1))
