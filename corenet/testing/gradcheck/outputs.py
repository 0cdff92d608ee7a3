"""All that comes out of a forward as one tensor, of which slopes are taken, and its upstream gradient in parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.penalties import collected
from corenet.contracts.several import Tensors, each_of
from corenet.errors import DTypeError


class Outputs(NamedTuple):
    """Each output of a forward, and the sum of the penalties that it adds to the loss, None if it adds none."""

    tensors: tuple[Tensor, ...]
    penalty: Tensor | None = None

    def joined(self) -> Tensor:
        """Return the only output as it is, several in one flat tensor, integers left out; and a penalty at its end.

        >>> Outputs((torch.ones(2, 1), torch.tensor([7]), torch.zeros(1))).joined()
        tensor([1., 1., 0.])
        """
        parts = [each for each in self.tensors if each.is_floating_point()]
        if not parts:
            raise DTypeError(f"forward returns {self.tensors[0].dtype}, which has no gradient")
        if len(parts) == 1 and self.penalty is None:
            return parts[0]
        penalty = [] if self.penalty is None else [self.penalty]
        return torch.cat([each.reshape(-1) for each in (*parts, *penalty)])

    def parted(self, upstream: Tensor) -> tuple[Tensor | None, ...]:
        """Return copies of the gradient of each output, None for integers, of what :meth:`joined` gives."""
        flat, start = upstream.reshape(-1), 0
        found: list[Tensor | None] = []
        for each in self.tensors:
            if not each.is_floating_point():
                found.append(None)
                continue
            part = flat[start : start + each.numel()]
            found.append(part.view(each.shape).to(each.dtype, copy=True))
            start += each.numel()
        return tuple(found)

    def weighed(self, upstream: Tensor) -> Tensor:
        """Return ``upstream`` with a factor of 1 for the penalty, which is the one that it always has."""
        if self.penalty is None:
            return upstream
        return torch.cat([upstream[:-1], torch.ones_like(upstream[-1:])])

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many numbers of :meth:`joined` are of each output that has some."""
        return tuple(each.numel() for each in self.tensors if each.is_floating_point())


def run(subject: Module | Loss, inputs: Sequence[Tensors]) -> Outputs:
    """Return what a forward of ``subject`` gives, with what it adds to the loss."""
    with collected() as added:
        found: Tensors = subject(*inputs)
    return Outputs(each_of(found), torch.stack(added).sum() if added else None)
