"""The shuffle buffer: rows go in as they are read, and come out in an order that a generator draws."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from corenet.streamed_data import Block


def shuffled(blocks: Iterator[Block], room: int, batch_size: int, generator: torch.Generator) -> Iterator[Block]:
    """Yield the rows of ``blocks``, each once, mixed within a buffer of ``room`` rows.

    When the buffer is full and more rows come, about half of it goes out, drawn at random; the others stay to be mixed
    with what comes. If all fits, the order is a single permutation, the first that the generator draws. Each block that
    goes out has whole batches, but for the last.

    >>> rows = torch.arange(7)
    >>> blocks = (Block(rows[at : at + 3], rows[at : at + 3], rows[at : at + 3]) for at in (0, 3, 6))
    >>> out = list(shuffled(blocks, 4, 2, torch.Generator().manual_seed(0)))
    >>> [len(each.rows) for each in out], sorted(torch.cat([each.rows for each in out]).tolist())
    ([2, 2, 2, 1], [0, 1, 2, 3, 4, 5, 6])
    """
    half = half_of(room, batch_size)
    pool = Pool(max(room, half), generator)
    for block in blocks:
        start, points = 0, len(block.rows)
        while start < points:
            if pool.free == 0:
                yield pool.drawn(half)
            end = min(points, start + pool.free)
            pool.put(Block(*(each[start:end] for each in block)))
            start = end
    yield from pool.rest(half)


def half_of(room: int, batch_size: int) -> int:
    """Return how many rows a buffer gives out at once: whole batches, at least one, of at most half of it."""
    return max(1, room // 2 // batch_size) * batch_size


def in_batches(blocks: Iterator[Block], batch_size: int) -> Iterator[Block]:
    """Yield rows in the order in which they come, each block but the last of whole batches.

    >>> rows = torch.arange(7)
    >>> blocks = (Block(rows[at : at + 3], rows[at : at + 3], rows[at : at + 3]) for at in (0, 3, 6))
    >>> [each.rows.tolist() for each in in_batches(blocks, 2)]
    [[0, 1], [2, 3, 4, 5], [6]]
    """
    left: Block | None = None
    for block in blocks:
        whole = block if left is None else Block(*map(torch.cat, zip(left, block, strict=True)))
        end = len(whole.rows) // batch_size * batch_size
        if end:
            yield Block(*(each[:end] for each in whole))
        left = Block(*(each[end:] for each in whole))
    if left is not None and len(left.rows):
        yield left


class Pool:
    """Memory for ``room`` rows."""

    def __init__(self, room: int, generator: torch.Generator) -> None:
        self._room, self._generator, self._filled = room, generator, 0
        self._tensors: list[Tensor] = []

    @property
    def free(self) -> int:
        """For how many more rows there is room."""
        return self._room - self._filled

    def put(self, block: Block) -> None:
        """Take in rows for which there is room."""
        if not self._tensors:
            self._tensors = [each.new_empty(self._room, *each.shape[1:]) for each in block]
        end = self._filled + len(block.rows)
        for own, new in zip(self._tensors, block, strict=True):
            own[self._filled : end] = new
        self._filled = end

    def drawn(self, count: int) -> Block:
        """Give out so many rows at random; the last ones move to where these were."""
        order = torch.randperm(self._filled, generator=self._generator)
        chosen, stay = order[:count], order[count:]
        block = self._taken(chosen)
        self._filled -= count
        holes, movers = chosen[chosen < self._filled], stay[stay >= self._filled]
        for own in self._tensors:
            own[holes] = own[movers]
        return block

    def rest(self, size: int) -> Iterator[Block]:
        """Give out all rows in one random order, at most ``size`` at a time."""
        order = torch.randperm(self._filled, generator=self._generator)
        self._filled = 0
        for part in order.split(size) if len(order) else ():
            yield self._taken(part)

    def _taken(self, rows: Tensor) -> Block:
        return Block(*(own.index_select(0, rows) for own in self._tensors))
