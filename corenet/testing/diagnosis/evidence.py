"""What the patterns compare: a wrong gradient, the numeric one, and what both were computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

RELATIVE = 1e-5
OF_THE_LARGEST = 1e-7


@dataclass(frozen=True)
class Evidence:
    """A hand-written gradient, the numeric one, and what both were computed from.

    ``numeric`` is NaN where it was not computed, and infinite where there is no derivative. ``ours`` may have
    another shape than ``numeric``. ``value`` is the tensor that both are the gradient of; ``jacobian`` is
    ``∂output/∂value`` in the shape of ``value`` and then of ``output``, if small enough to compute. Of an
    elementwise function, ``at_output`` is the gradient evaluated at ``output``, and ``at_preimage`` that evaluated
    where the function equals ``input``, NaN if it does nowhere. ``others`` are the numeric gradients of the other
    tensors, ``parameters`` all parameters and the inputs beside ``input``, each by name, and ``settings`` the
    numbers that the component was built with, such as a dropout's p. ``previous`` is what each parameter's
    ``.grad`` was before backward. ``integers`` are the inputs that have no gradient. Several outputs are one flat
    tensor, of which ``output_sizes`` numbers belong to each.
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
    previous: float = 1.0
    input_name: str = "input"
    integers: Mapping[str, Tensor] = field(default_factory=dict)
    output_sizes: tuple[int, ...] = ()

    @property
    def has_penalty(self) -> bool:
        """Whether the last number of the output is a penalty that forward adds to the loss."""
        return 0 < sum(self.output_sizes) < self.output.numel()

    @property
    def is_parameter(self) -> bool:
        """Whether it is the gradient of a parameter, not of an input."""
        return self.name != self.input_name

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
        """Whether there is an upstream gradient; that of a loss is 1."""
        return not bool((self.upstream == 1).all())

    @property
    def distinct(self) -> int:
        """How many different elements there are to compare."""
        return len(torch.stack(self.pairs(), 1).unique(dim=0)) if self.fits else len(self.ours.unique())

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Return ours and the numeric gradient where both are known, in one dimension."""
        return self.ours[self.known], self.numeric[self.known]

    def is_like(self, candidate: Tensor) -> bool:
        """Tell whether our gradient equals ``candidate`` wherever a numeric one is known."""
        if candidate.shape != self.ours.shape or not self.ours.numel():
            return False
        known = self.known if self.fits else torch.ones_like(self.ours, dtype=torch.bool)
        return near(self.ours[known], candidate[known])


def close(ours: Tensor, wanted: Tensor) -> Tensor:
    """Return where ``ours`` equals ``wanted``, within the precision of central differences."""
    if not wanted.numel():
        return torch.ones_like(wanted, dtype=torch.bool)
    return (ours - wanted).abs() <= RELATIVE * wanted.abs() + OF_THE_LARGEST * wanted.abs().max()


def near(ours: Tensor, wanted: Tensor) -> bool:
    """Tell whether all of ``ours`` equals ``wanted``, which is finite and not all zero.

    >>> near(torch.tensor([2.0]), torch.tensor([2.000001])), near(torch.zeros(2), torch.zeros(2))
    (True, False)
    """
    return bool(wanted.numel() and wanted.any() and wanted.isfinite().all() and close(ours, wanted).all())
