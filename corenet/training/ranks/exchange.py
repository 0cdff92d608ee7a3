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
    bit. Small tensors, and many ranks, add up what is float64 already. Larger ones are sent as they are to every rank,
    which adds them up, where that is no more bytes than those of float64 round a ring, 16 (N − 1) / N a number.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._flat = self._sum = torch.empty(0, dtype=torch.float64)
        self._own, self._found = torch.empty(0, dtype=torch.uint8), list[Tensor]()

    def added_up(self, tensors: Sequence[Tensor], weight: float, numbers: Sequence[float]) -> list[float]:
        """Write ``Σᵣ weightᵣ · tensorᵣ`` in the place of each tensor, and return ``Σᵣ numbersᵣ``.

        A weight of 0 leaves out whatever there is, infinite or not. Tensors of integers get the nearest ones.

        Raises:
            RankError: another rank has ended, or does not come.
        """
        words = sum(each.numel() for each in tensors) + len(numbers)
        flat = self._memory("_flat", words, tensors[0].device if tensors else None)
        beside, ranks = torch.tensor([weight, *numbers], dtype=torch.float64), self._world.size
        size = sum(map(_room, [beside, *tensors]))
        if flat.device.type == "cpu" and not is_quicker(flat, ranks) and size * ranks <= 2 * WORD * words:
            return self._added_by_each([beside, *tensors], size)
        return self._added_as_one(flat, tensors, weight, beside[1:])

    def _added_by_each(self, own: Sequence[Tensor], size: int) -> list[float]:
        """Send so many bytes, and add up those of all ranks; the first tensor has this one's weight and numbers."""
        _, *tensors = own
        if self._own.numel() != size:
            self._own = torch.zeros(size, dtype=torch.uint8)
            self._found = [torch.empty_like(self._own) for _ in range(self._world.size)]
        for part, each in zip(unpacked(self._own, own), own, strict=True):
            part.copy_(each)
        ranks = [unpacked(each, own) for each in self._world.of_all(self._own, self._found)]
        for place, tensor in enumerate(tensors, start=1):
            total = self._memory("_sum", tensor.numel()).zero_()
            for rank in ranks:
                if weight := rank[0][0].item():
                    total += self._memory("_flat", tensor.numel()).copy_(rank[place].reshape(-1)).mul_(weight)
            _write(total, tensor)
        sums: list[float] = sum(rank[0][1:] for rank in ranks).tolist()  # type: ignore[union-attr]  # there are ranks
        return sums

    def _added_as_one(self, flat: Tensor, tensors: Sequence[Tensor], weight: float, numbers: Tensor) -> list[float]:
        """Add up one flat tensor of float64."""
        *parts, beside = flat.split([*(each.numel() for each in tensors), numbers.numel()])
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
