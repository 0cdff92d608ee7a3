"""The training rows of a table that is read anew in each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from corenet.data import Dataset, stream
from corenet.device import placement
from corenet.errors import ShardError
from corenet.integers import integer, positive_integer
from corenet.streamed_data import Block, StreamedDataset
from corenet.tables.coding import TableCoding
from corenet.tables.streaming.ahead import ahead
from corenet.tables.streaming.chunks import Chunk, Reader
from corenet.tables.streaming.dividing import Division
from corenet.tables.streaming.pool import in_batches, shuffled
from corenet.tables.streaming.survey import chosen

NUMBERS = 2**25  # among the inputs that the shuffle buffer holds: 128 MiB of float32


@dataclass(frozen=True)
class Source:
    """Where rows come from: chunks in the order of the table, how they are read, and what makes numbers of them."""

    chunks: Sequence[Chunk]
    reader: Reader
    division: Division
    coding: TableCoding

    def block(self, place: int, first: int) -> Block:
        """Return the training rows of a chunk, of which ``first`` rows of the table come before.

        Raises:
            ShardError: its file is gone, or was changed.
        """
        chunk = self.chunks[place]
        chunk.shard.refuse_changed()
        rows = chunk.read(self.reader)
        if len(rows) != chunk.rows:
            raise ShardError(f"{rows.source} was changed since the table was first read; put it back as it was")
        train = self.division.parts(self.division.drawn(first, len(rows)))["train"]
        rows, numbers = chosen(rows, train), first + torch.from_numpy(train.nonzero()[0])
        return Block(self.coding.encode(rows), self.coding.target.encode(rows.column(self.coding.target.name)), numbers)


class TrainingRows(StreamedDataset):
    """The training part of a streamed table, each row once an epoch, in an order that seed and epoch give.

    A table of more rows than the shuffle buffer has ``room`` for is read in chunks in a random order, and its rows are
    mixed within the buffer; of fewer, the order is that of a :class:`~corenet.data.Dataset` of the same rows.
    """

    def __init__(self, source: Source, sample: Dataset, length: int, room: int) -> None:
        super().__init__(sample, length)
        self.source, self.room = source, room
        self._placement: tuple[torch.device | None, torch.dtype | None] = (None, None)

    def blocks(self, batch_size: int, seed: int | None = None, epoch: int = 0, start: int = 0) -> Iterator[Block]:
        """Yield all rows from the one at the place ``start`` on, as they are read.

        Raises:
            ShardError: a file is gone, or was changed since the table was first read.
        """
        positive_integer("batch_size", batch_size)
        found = self._stored(batch_size) if seed is None else self._shuffled(batch_size, seed, epoch)
        for block in ahead(_from(found, start)):
            yield self._placed(block)

    def digest(self) -> str:
        """Return the digests of the files, in their order; each is read once more for it.

        Raises:
            ShardError: a file is gone, or was changed since the table was first read.
        """
        return " ".join(each.digest() for each in dict.fromkeys(each.shard for each in self.source.chunks))

    def to(
        self, device: torch.device | str | int | torch.dtype | None = None, dtype: torch.dtype | None = None
    ) -> TrainingRows:
        """Return the data on another device, to which each block is moved as it comes."""
        moved = TrainingRows(self.source, Dataset(self.inputs, self.targets).to(device, dtype), len(self), self.room)
        moved._placement = placement(device, dtype)
        return moved

    def _placed(self, block: Block) -> Block:
        device, dtype = self._placement

        def placed(tensor: Tensor) -> Tensor:
            return tensor.to(device=device, dtype=dtype if tensor.is_floating_point() else None)

        return Block(placed(block.inputs), placed(block.targets), block.rows)

    def _stored(self, batch_size: int) -> Iterator[Block]:
        firsts = [0, *accumulate(each.rows for each in self.source.chunks)]
        return in_batches((self.source.block(place, firsts[place]) for place in range(len(firsts) - 1)), batch_size)

    def _shuffled(self, batch_size: int, seed: int, epoch: int) -> Iterator[Block]:
        integer("seed", seed)
        integer("epoch", epoch)
        firsts = [0, *accumulate(each.rows for each in self.source.chunks)]
        order = list(range(len(firsts) - 1))
        if len(self) > self.room:
            drawn = torch.Generator().manual_seed(stream("chunks", seed, epoch))
            order = torch.randperm(len(order), generator=drawn).tolist()
        blocks = (self.source.block(place, firsts[place]) for place in order)
        drawn = torch.Generator().manual_seed(stream("batches", seed, epoch))
        return shuffled(blocks, self.room, batch_size, drawn)


def _from(blocks: Iterator[Block], start: int) -> Iterator[Block]:
    """Yield what comes from the row at the place ``start`` on."""
    for block in blocks:
        size = len(block.rows)
        if start < size:
            yield block if start <= 0 else Block(*(each[start:] for each in block))
        start -= size
