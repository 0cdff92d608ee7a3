"""Weighed sums over all ranks: of tensors in their places, and of some numbers beside them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from corenet.training.ranks.world import World


class Exchange:
    """Adds up over all ranks, in float64, as one flat tensor.

    Every rank gives tensors of the same sizes, and as many numbers. The sums are the same in each, bit for bit.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._sizes: list[int] = []
        self._flat = torch.empty(0, dtype=torch.float64)
        self._parts: tuple[Tensor, ...] = ()

    def added_up(self, tensors: Sequence[Tensor], weight: float, numbers: Sequence[float]) -> list[float]:
        """Write ``Σᵣ weightᵣ · tensorᵣ`` in the place of each tensor, and return ``Σᵣ numbersᵣ``.

        A weight of 0 leaves out whatever there is, infinite or not. Tensors of integers get the nearest ones.

        Raises:
            RankError: another rank has ended, or does not come.
        """
        *parts, beside = self._places(tensors, len(numbers))
        for part, each in zip(parts, tensors, strict=True):
            if weight:
                part.copy_(each.reshape(-1)).mul_(weight)
            else:
                part.zero_()
        beside.copy_(torch.tensor(numbers, dtype=torch.float64))
        self._world.add_up(self._flat)
        for part, each in zip(parts, tensors, strict=True):
            each.copy_((part if each.is_floating_point() else part.round()).view_as(each))
        sums: list[float] = beside.tolist()
        return sums

    def _places(self, tensors: Sequence[Tensor], numbers: int) -> tuple[Tensor, ...]:
        """Return the parts of the flat tensor: one for each tensor, and one for so many numbers."""
        sizes = [*(each.numel() for each in tensors), numbers]
        if sizes != self._sizes:
            device = tensors[0].device if tensors else None
            self._sizes, self._flat = sizes, torch.zeros(sum(sizes), dtype=torch.float64, device=device)
            self._parts = self._flat.split(sizes)
        return self._parts
