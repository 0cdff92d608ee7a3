"""The training rows of a table that is read anew in each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import ceil

import torch
from torch import Tensor

from corenet.data import Dataset, stream
from corenet.device import placement
from corenet.errors import ShardError
from corenet.integers import integer, positive_integer
from corenet.streamed_data import Block, Ranks, StreamedDataset
from corenet.tables.coding import TableCoding
from corenet.tables.streaming.ahead import ahead
from corenet.tables.streaming.chunks import Chunk, Reader
from corenet.tables.streaming.dividing import Division
from corenet.tables.streaming.pool import half_of, in_batches, shuffled
from corenet.tables.streaming.shared import shared
from corenet.tables.streaming.survey import chosen

NUMBERS = 2**25  # among the inputs that the shuffle buffer holds: 128 MiB of float32


@dataclass(frozen=True)
class Source:
    """Where rows come from: chunks in the order of the table, how they are read, and what makes numbers of them."""

    chunks: Sequence[Chunk]
    reader: Reader
    division: Division
    coding: TableCoding

    @cached_property
    def firsts(self) -> list[int]:
        """How many rows of the table come before each chunk."""
        return [0, *accumulate(each.rows for each in self.chunks)][:-1]

    def block(self, place: int) -> Block:
        """Return the training rows of a chunk.

        Raises:
            ShardError: its file is gone, or was changed.
        """
        chunk, first = self.chunks[place], self.firsts[place]
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

    def __init__(self, source: Source, sample: Dataset, length: int, room: int, ranks: Ranks | None = None) -> None:
        super().__init__(sample, length)
        self.source, self.room, self._sample, self._ranks = source, room, sample, ranks
        self._placement: tuple[torch.device | None, torch.dtype | None] = (None, None)

    def blocks(self, batch_size: int, seed: int | None = None, epoch: int = 0, start: int = 0) -> Iterator[Block]:
        """Yield all rows from the one at the place ``start`` on, as they are read.

        Raises:
            ShardError: a file is gone, or was changed since the table was first read.
        """
        positive_integer("batch_size", batch_size)
        found = self._stored(batch_size) if seed is None else self._shuffled(batch_size, seed, epoch)
        rest = _from(found, start)
        for block in ahead(rest) if self._ranks is None else rest:
            yield self._placed(block)

    def shared_by(self, ranks: Ranks) -> TrainingRows:
        """Return the same rows for one of several ranks, each of which reads the chunks that are its own."""
        rows = TrainingRows(self.source, self._sample, len(self), self.room, ranks)
        rows.inputs, rows.targets, rows._placement = self.inputs, self.targets, self._placement
        return rows

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
        moved._sample, moved._placement = self._sample, placement(device, dtype)
        return moved

    def _placed(self, block: Block) -> Block:
        device, dtype = self._placement

        def placed(tensor: Tensor) -> Tensor:
            return tensor.to(device=device, dtype=dtype if tensor.is_floating_point() else None)

        return Block(placed(block.inputs), placed(block.targets), block.rows)

    def _stored(self, batch_size: int) -> Iterator[Block]:
        return in_batches(self._read(range(len(self.source.chunks)), batch_size), batch_size)

    def _shuffled(self, batch_size: int, seed: int, epoch: int) -> Iterator[Block]:
        integer("seed", seed)
        integer("epoch", epoch)
        order = list(range(len(self.source.chunks)))
        if len(self) > self.room:
            drawn = torch.Generator().manual_seed(stream("chunks", seed, epoch))
            order = torch.randperm(len(order), generator=drawn).tolist()
        drawn = torch.Generator().manual_seed(stream("batches", seed, epoch))
        return shuffled(self._read(order, batch_size), self.room, batch_size, drawn)

    def _read(self, places: Sequence[int], batch_size: int) -> Iterator[Block]:
        """Yield the rows of chunks, as many waiting in ranks as are given out of the shuffle buffer at once."""
        if self._ranks is None:
            return map(self.source.block, places)
        empty = Block(self._sample.inputs[:0], self._sample.targets[:0], torch.empty(0, dtype=torch.int64))
        waiting = half_of(self.room, batch_size) * len(places) / len(self)
        return shared(self.source.block, places, self._ranks, empty, ceil(waiting / self._ranks.size))


def _from(blocks: Iterator[Block], start: int) -> Iterator[Block]:
    """Yield what comes from the row at the place ``start`` on."""
    for block in blocks:
        size = len(block.rows)
        if start < size:
            yield block if start <= 0 else Block(*(each[start:] for each in block))
        start -= size
