"""One pass over a table: what its columns are, what its chunks are, and the rows that are held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from corenet.errors import DataError
from corenet.tables.kinds import Decision, decide
from corenet.tables.reader import pl
from corenet.tables.rows import Column, Rows
from corenet.tables.sources import Reading
from corenet.tables.spelling import listed, no_column, quoted
from corenet.tables.streaming.chunks import Chunk, Reader, cut, height
from corenet.tables.streaming.dividing import Division
from corenet.tables.streaming.seen import Seen
from corenet.tables.streaming.shards import Shard

KEPT = ("valid", "test", "sample")


@dataclass
class Survey:
    """What one pass over the rows of ``source`` has found; a column is known by its name."""

    source: str
    seen: dict[str, Seen]
    division: Division
    reader: Reader
    chunks: list[Chunk] = field(default_factory=list)
    kept: dict[str, list[Rows]] = field(default_factory=lambda: {name: [] for name in KEPT})
    train_rows: int = 0
    rows: int = 0

    def __len__(self) -> int:
        return self.rows

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return list(self.seen)

    def column(self, name: str) -> Seen:
        """Return a column by its name.

        Raises:
            DataError: there is none of this name.
        """
        if name not in self.seen:
            raise DataError(no_column(self.source, name, self.names))
        return self.seen[name]

    def add(self, chunk: Chunk, rows: Rows) -> None:
        """Take in a chunk and its rows."""
        drawn = self.division.drawn(self.rows, len(rows))
        parts = self.division.parts(drawn)
        for name, seen in self.seen.items():
            seen.add(rows.column(name), self.rows, parts["train"])
        for name, kept in self.kept.items():
            if parts[name].any():
                kept.append(_apart(rows, parts[name]))
        odd = {name for name in self.reader.numbers if self.seen[name].odd_count}
        self.reader = replace(self.reader, numbers=self.reader.numbers - odd) if odd else self.reader
        self.chunks.append(chunk)
        self.train_rows += int(parts["train"].sum())
        self.rows += len(rows)


def chosen(rows: Rows, which: NDArray[np.bool_]) -> Rows:
    """Return some of the rows; what is said of a cell of theirs may name another row."""
    return Rows(rows.source, rows.frame.filter(pl.Series(which)), rows.missing, rows.first)


def _apart(rows: Rows, which: NDArray[np.bool_]) -> Rows:
    """Return the same as :func:`chosen` in memory of its own: what polars filters keeps more of the chunk alive."""
    return Rows(rows.source, rows.frame[np.flatnonzero(which)], rows.missing, rows.first)


@dataclass(frozen=True)
class Plan:
    """What table is read how, and which part of its rows is for what.

    ``asked`` has the user's own words on columns, ``parts`` the fractions to look on and to test, and the seed.
    """

    source: str
    shards: tuple[Shard, ...]
    how: Reading
    target: str
    asked: Mapping[str, str]
    parts: tuple[float, float, int]


def survey(plan: Plan) -> tuple[Survey, list[Decision], Decision]:
    """Return what a pass over all rows has found, what each column is taken for, and what the target is.

    Columns that look like numbers in the first chunk are read as such, which is quicker. Where one turns out to be
    words, the table is read once more with that column as words from the start, which spell 01 and 1 differently.

    Raises:
        DataError: a file is no table, or a column can be taken for nothing.
        OutputError: a file cannot be read.
    """
    words = {name for name, kind in plan.asked.items() if kind == "category"}
    while True:
        found, numbers = _passed(plan, words)
        decisions, target = decide(found, plan.target, plan.asked)
        late = {each.name for each in (*decisions, target) if each.kind == "category"} & (
            numbers - found.reader.numbers
        )
        if not late:
            return found, decisions, target
        words |= late


def _passed(plan: Plan, words: set[str]) -> tuple[Survey, frozenset[str]]:
    """Return what a pass has found, and the columns that were read as numbers at first; ``words`` never are."""
    found: Survey | None = None
    numbers: frozenset[str] = frozenset()
    for shard in plan.shards:
        first = 0
        for cut_chunk in cut(shard, plan.how):
            if found is None:
                found = _begun(plan, cut_chunk, words)
                numbers = found.reader.numbers
            chunk = cut_chunk.placed(first, 0)
            rows = chunk.read(found.reader)
            _refuse_other_columns(rows, found)
            found.add(chunk.placed(first, len(rows)), rows)
            first += len(rows)
        shard.refuse_changed()
    if found is None or not len(found):
        raise DataError(f"{plan.source} has a header and no row below it")
    return found, numbers


def _begun(plan: Plan, first: Chunk, words: set[str]) -> Survey:
    """Return a survey before its first row, its columns and about how many rows there will be known by ``first``."""
    head = first.read(Reader(plan.how.missing))
    text = [name for name in head.names if head.column(name).is_text and name not in words]
    numbers = frozenset(name for name in text if _are_numbers(head.column(name)))
    size = sum(each.size for each in plan.shards)
    rows = sum(map(height, plan.shards)) if plan.shards[0].is_columnar else round(size * len(head) / first.size)
    division = Division.of(rows, *plan.parts)
    seen = {name: Seen(name, plan.source) for name in head.names}
    return Survey(plan.source, seen, division, Reader(plan.how.missing, numbers))


def _are_numbers(column: Column) -> bool:
    return not column.odd_count and column.gap_count < len(column)


def _refuse_other_columns(rows: Rows, found: Survey) -> None:
    """Refuse a file that lacks a column of the first, or has one more."""
    if missing := sorted(set(found.names) ^ set(rows.names)):
        raise DataError(
            f"{rows.source} has the columns {listed(rows.names)}, the first file {listed(found.names)}: "
            f"{quoted(missing[0])} is not in both; all files of a table have the same columns"
        )
