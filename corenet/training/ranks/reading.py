"""Data that several ranks read block by block: all have a block, or all end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from corenet.errors import DataError, OutputError, ShardError
from corenet.streamed_data import Block
from corenet.training.ranks.world import World


def read_by_all(blocks: Iterator[Block], world: World) -> Iterator[Block]:
    """Yield blocks as long as each rank has one of as many rows.

    Raises:
        ShardError: in all ranks alike, where one of them cannot read its block, or reads another one.
    """
    while True:
        block, problem = None, ""
        try:
            block = next(blocks, None)
        except (DataError, OutputError) as error:
            problem = str(error)
        points = 0 if block is None else len(block.rows)
        if problem := _problem([json.loads(each) for each in world.gathered(json.dumps([points, problem]))]):
            raise ShardError(problem)
        if block is None:
            return
        yield block
        del block


def _problem(told: Sequence[tuple[int, str]]) -> str:
    """Say which rank cannot read its block, or has another one than the first; nothing if none has."""
    points, first = told[0]
    for rank, (count, problem) in enumerate(told):
        if problem:
            return problem if problem == first else f"rank {rank}: {problem}"
        if count != points and not first:
            return (
                f"rank {rank} has read a block of {count:,} points, rank 0 one of {points:,}; give each the same data"
            )
    return ""
