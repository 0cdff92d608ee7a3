"""What a wrong gradient is judged by: it and the right one, and what both were computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

RELATIVE = 1e-5
OF_THE_LARGEST = 1e-7


@dataclass(frozen=True)
class Evidence:
    """A gradient by hand beside the numeric one, and what they were computed from.

    ``numeric`` is NaN where it was not computed and infinite where there is no derivative.
    ``ours`` may have another shape than ``numeric``. ``value`` is the tensor that both are the gradient of,
    ``jacobian`` is ``∂output/∂value`` in the shape of ``value`` and then of ``output``, if it was affordable.
    Of a function of each element, ``at_output`` is the gradient that it has at ``output``, and ``at_preimage``
    where its value is ``input``, NaN if that is nowhere. ``others`` are the numeric gradients of the other
    tensors, ``parameters`` all that there are, each by name, and ``settings`` the numbers that the component was
    built with, such as a dropout's p.
    """

    name: str
    ours: Tensor
    numeric: Tensor
    upstream: Tensor
    input: Tensor
    output: Tensor
    value: Tensor
    jacobian: Tensor | None = None
    at_output: Tensor | None = None
    at_preimage: Tensor | None = None
    others: Mapping[str, Tensor] = field(default_factory=dict)
    parameters: Mapping[str, Tensor] = field(default_factory=dict)
    settings: Mapping[str, float] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Whether our gradient has the shape that it must have."""
        return self.ours.shape == self.numeric.shape

    @property
    def known(self) -> Tensor:
        """Where there is a numeric gradient to compare with."""
        return self.numeric.isfinite()

    @property
    def has_upstream(self) -> bool:
        """Whether a gradient comes from above; a loss is the top, and stands for one of 1."""
        return not bool((self.upstream == 1).all())

    @property
    def distinct(self) -> int:
        """How many elements there are to compare, those that are the same counted once."""
        return len(torch.stack(self.pairs(), 1).unique(dim=0)) if self.fits else len(self.ours.unique())

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Return ours and the numeric gradient where both are known, in one dimension."""
        return self.ours[self.known], self.numeric[self.known]

    def is_like(self, candidate: Tensor) -> bool:
        """Tell whether our gradient is ``candidate``, where a numeric one is known."""
        if candidate.shape != self.ours.shape or not self.ours.numel():
            return False
        known = self.known if self.fits else torch.ones_like(self.ours, dtype=torch.bool)
        return near(self.ours[known], candidate[known])


def close(ours: Tensor, wanted: Tensor) -> Tensor:
    """Return where ``ours`` is ``wanted``, within what central differences can tell."""
    if not wanted.numel():
        return torch.ones_like(wanted, dtype=torch.bool)
    return (ours - wanted).abs() <= RELATIVE * wanted.abs() + OF_THE_LARGEST * wanted.abs().max()


def near(ours: Tensor, wanted: Tensor) -> bool:
    """Tell whether all of ``ours`` is ``wanted``, and there is something of it that is not zero.

    >>> near(torch.tensor([2.0]), torch.tensor([2.000001])), near(torch.zeros(2), torch.zeros(2))
    (True, False)
    """
    return bool(wanted.numel() and wanted.any() and wanted.isfinite().all() and close(ours, wanted).all())
