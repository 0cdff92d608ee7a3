"""The ranks of a training: processes that torchrun started, each with a number, and what they tell each other.

What is told is text, as bytes in tensors; nothing is pickled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from time import monotonic
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from corenet.errors import RankError
from corenet.training.going_on.interruptions import Noted
from corenet.training.ranks.directly import is_quicker, sent_to_all
from corenet.training.ranks.roll_call import RollCall


class World:
    """One of several ranks, as it sees itself among the others.

    Args:
        rank: its number, from 0 on.
        size: how many there are.
        roll_call: how it finds out who has ended.
        noted: the signal that came to this process.

    >>> import corenet as cn
    >>> [World(rank, 3, RollCall(None, rank, 3, 1.0), Noted()).part(10) for rank in range(3)]
    [slice(0, 3, None), slice(3, 6, None), slice(6, 10, None)]
    """

    def __init__(self, rank: int, size: int, roll_call: RollCall, noted: Noted) -> None:
        self.rank, self.size, self.roll_call, self.noted = rank, size, roll_call, noted
        self.agreed = Noted()  # a signal of which every rank knows that it came to one of them

    @property
    def is_first(self) -> bool:
        """Whether it is the one that prints and writes."""
        return self.rank == 0

    def part(self, rows: int) -> slice:
        """Return which of so many rows are its own: nearly equal parts, one behind the other."""
        return slice(rows * self.rank // self.size, rows * (self.rank + 1) // self.size)

    def add_up(self, numbers: Tensor) -> None:
        """Write the sum over all ranks in the place of the numbers of this one: in each the same, bit for bit.

        Raises:
            RankError: another rank has ended, or does not come.
        """
        if is_quicker(numbers, self.size):
            numbers.copy_(reduce(torch.add, self.of_all(numbers)))
        else:
            self._together(dist.all_reduce, numbers)

    def of_all(self, own: Tensor, found: Sequence[Tensor] = ()) -> Sequence[Tensor]:
        """Return the tensor of each rank, all of one shape; large ones are put in ``found`` if that is given.

        Raises:
            RankError: another rank has ended, or does not come.
        """
        if is_quicker(own, self.size):
            return list(self._together(sent_to_all, own, self.rank, self.size))
        found = found or [torch.empty_like(own) for _ in range(self.size)]
        self._together(dist.all_gather, list(found), own)
        return found

    def told(self, text: str) -> str:
        """Return what the first rank tells; the text of the others counts for nothing.

        Raises:
            RankError: another rank has ended, or does not come.
        """
        return self.gathered(text if self.is_first else "")[0]

    def gathered(self, text: str) -> list[str]:
        """Return the text of each rank.

        Raises:
            RankError: another rank has ended, or does not come.
        """
        own = torch.frombuffer(bytearray(text.encode() or b"\0"), dtype=torch.uint8)
        lengths = self.of_all(torch.tensor([len(text.encode())]))
        longest = max(1, *(int(each) for each in lengths))
        padded = torch.zeros(longest, dtype=torch.uint8)
        padded[: len(own)] = own
        pairs = zip(self.of_all(padded), lengths, strict=True)
        return [each[: int(length)].numpy().tobytes().decode() for each, length in pairs]

    def rows_of_all(self, own: Tensor) -> list[Tensor]:
        """Return the rows of each rank, which differ in number alone; they are sent as they are, byte by byte.

        Raises:
            RankError: another rank has ended, or does not come.
        """
        counts = self.of_all(torch.tensor([len(own)]))
        padded = own.new_zeros(max(map(int, counts)), *own.shape[1:])
        padded[: len(own)] = own
        found = [each.view(padded.dtype) for each in self.of_all(padded.view(torch.uint8))]
        return [each[: int(count)] for each, count in zip(found, counts, strict=True)]

    def agree_on_signal(self, told: bool) -> None:
        """Note that one of the ranks was told to stop."""
        if told and self.agreed.signal is None:
            self.agreed.signal = self.noted.signal or Noted.TERMINATE

    def _together(self, collective: Callable[..., Any], *arguments: Any) -> Any:
        start = monotonic()
        try:
            return collective(*arguments)
        except RuntimeError as error:
            raise RankError(self.roll_call.missing(monotonic() - start)) from error
