"""Weighed sums over all ranks: of tensors in their places, and of some numbers beside them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from corenet.training.ranks.directly import is_quicker
from corenet.training.ranks.world import World

WORD = 8  # bytes of a float64; each part of what is sent begins at a multiple of them


class Exchange:
    """Adds up over all ranks, in float64.

    Every rank gives tensors of the same shapes and dtypes, and as many numbers. The sums are the same in each, bit for
    bit. Tensors are sent as they are, and added up by every rank; where that would send more bytes than it takes to
    send sums of float64 round a ring, 16 (N − 1) / N for each number, this is done instead.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._flat = self._sum = torch.empty(0, dtype=torch.float64)
        self._own = torch.empty(0, dtype=torch.uint8)

    def added_up(self, tensors: Sequence[Tensor], weight: float, numbers: Sequence[float]) -> list[float]:
        """Write ``Σᵣ weightᵣ · tensorᵣ`` in the place of each tensor, and return ``Σᵣ numbersᵣ``.

        A weight of 0 leaves out whatever there is, infinite or not. Tensors of integers get the nearest ones.

        Raises:
            RankError: another rank has ended, or does not come.
        """
        beside = torch.tensor([weight, *numbers], dtype=torch.float64)
        if self._is_sent_whole([beside, *tensors]):
            return self._added_by_each(beside, tensors)
        return self._added_round_a_ring(tensors, weight, beside[1:])

    def _is_sent_whole(self, parts: Sequence[Tensor]) -> bool:
        """Tell whether each rank is sent all that the others have; where it is, there is memory for what it sends."""
        if not all(each.device.type == "cpu" for each in parts):
            return False
        size, ranks = sum(map(_room, parts)), self._world.size
        if self._own.numel() != size:
            self._own = torch.zeros(size, dtype=torch.uint8)
        return is_quicker(self._own, ranks) or size * ranks <= 2 * WORD * sum(each.numel() for each in parts)

    def _added_by_each(self, beside: Tensor, tensors: Sequence[Tensor]) -> list[float]:
        for part, each in zip(unpacked(self._own, [beside, *tensors]), [beside, *tensors], strict=True):
            part.copy_(each)
        ranks = [unpacked(each, [beside, *tensors]) for each in self._world.of_all(self._own)]
        for place, tensor in enumerate(tensors, start=1):
            total = self._memory("_sum", tensor.numel()).zero_()
            for rank in ranks:
                if weight := rank[0][0].item():
                    total += self._memory("_flat", tensor.numel()).copy_(rank[place].reshape(-1)).mul_(weight)
            _write(total, tensor)
        sums: list[float] = sum(rank[0][1:] for rank in ranks).tolist()  # type: ignore[union-attr]  # there are ranks
        return sums

    def _added_round_a_ring(self, tensors: Sequence[Tensor], weight: float, numbers: Tensor) -> list[float]:
        sizes = [*(each.numel() for each in tensors), numbers.numel()]
        flat = self._memory("_flat", sum(sizes), tensors[0].device)
        *parts, beside = flat.split(sizes)
        for part, each in zip(parts, tensors, strict=True):
            if weight:
                part.copy_(each.reshape(-1)).mul_(weight)
            else:
                part.zero_()
        beside.copy_(numbers)
        self._world.add_up(flat)
        for part, each in zip(parts, tensors, strict=True):
            _write(part, each)
        sums: list[float] = beside.tolist()
        return sums

    def _memory(self, name: str, size: int, device: torch.device | None = None) -> Tensor:
        """Return memory for so many numbers: fresh memory costs more than what is written to it."""
        found: Tensor = getattr(self, name)
        if found.numel() < size:
            found = torch.empty(size, dtype=torch.float64, device=device)
            setattr(self, name, found)
        return found[:size]


def unpacked(flat: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """Return the tensors whose bytes lie one behind the other, as views; ``like`` are some of their forms.

    >>> numbers, few = unpacked(torch.zeros(24, dtype=torch.uint8), [torch.ones(3), torch.ones(1, 1)])
    >>> numbers.shape, few.shape
    (torch.Size([3]), torch.Size([1, 1]))
    """
    parts = flat.split(list(map(_room, like)))
    return [part[: each.nbytes].view(each.dtype).view(each.shape) for part, each in zip(parts, like, strict=True)]


def _room(tensor: Tensor) -> int:
    return -(-tensor.nbytes // WORD) * WORD


def _write(total: Tensor, tensor: Tensor) -> None:
    """Write a sum in the place of a tensor."""
    tensor.copy_((total if tensor.is_floating_point() else total.round()).view_as(tensor))
