"""Chunks shared out among ranks: each reads its own, and is given those of the others as numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from corenet.errors import DataError, OutputError, ShardError
from corenet.streamed_data import Block, Ranks
from corenet.tables.streaming.ahead import ahead


def shared(
    read: Callable[[int], Block], places: Sequence[int], ranks: Ranks, empty: Block, room: int
) -> Iterator[Block]:
    """Yield the blocks of all places, in their order, in every rank; each is read by one of them.

    The first of N ranks reads the first of every N places, and so on. A thread reads ahead of what is shared, at most
    ``room`` blocks; what goes between the ranks goes between two blocks of theirs, in all at the same time.

    Args:
        read: reads the block of a place.
        places: in the order in which they are wanted.
        ranks: who shares them.
        empty: a block of no rows, which a rank gives where no place is left for it.
        room: how many blocks may wait.

    Raises:
        ShardError: one of the ranks cannot read its block; all are told which, and what of.
    """
    own = ahead(map(read, places[ranks.rank :: ranks.size]), room)
    for start in range(0, len(places), ranks.size):
        block, problem = empty, ""
        if start + ranks.rank < len(places):
            try:
                block = next(own)
            except (DataError, OutputError) as error:
                problem = f"rank {ranks.rank}: {error}"
        if problems := list(filter(None, ranks.gathered(problem))):
            raise ShardError(problems[0])
        blocks = zip(*map(ranks.rows_of_all, block), strict=True)
        del block  # its memory is free for the next
        yield from (Block(*each) for each in list(blocks)[: len(places) - start])
