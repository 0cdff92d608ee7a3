"""Pieces of a table's files that can be read in any order, each as often as need be."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from corenet.errors import DataError, OutputError, ShardError
from corenet.tables.delimited import TextFile, end_of_row, text_file, without_first
from corenet.tables.encodings import decoded
from corenet.tables.frames import columnar, of_its_kind
from corenet.tables.reader import pl
from corenet.tables.rows import Rows
from corenet.tables.sources import Reading
from corenet.tables.spelling import is_number
from corenet.tables.streaming.shards import Shard

BYTES = 2**23  # of a chunk of text
ROWS = 2**16  # of a chunk of Parquet or Arrow
HEAD = 2**24  # bytes in which the encoding is looked for


class Chunk(Protocol):
    """Some rows that follow one another in a file: ``rows`` of them, after ``first`` others."""

    @property
    def shard(self) -> Shard:
        """The file that they are in."""
        ...

    @property
    def first(self) -> int:
        """How many rows of the file are before them."""
        ...

    @property
    def rows(self) -> int:
        """How many rows there are."""
        ...

    @property
    def size(self) -> int:
        """How many bytes of the file they are, or of the whole file where that is not known."""
        ...

    def placed(self, first: int, rows: int) -> Chunk:
        """Return the same with what is known of it once it was read."""
        ...

    def read(self, reader: Reader) -> Rows:
        """Return the rows."""
        ...


@dataclass(frozen=True)
class Reader:
    """How rows are read: what stands for a gap, which columns are known for numbers, and which are wanted, if not all.

    A column of text that is read as numbers is some times as fast.
    """

    missing: Sequence[str]
    numbers: frozenset[str] = frozenset()
    wanted: tuple[str, ...] = ()

    @cached_property
    def gaps(self) -> list[str]:
        """What stands for a gap, as files spell it; of numbers it is seen by their values."""
        words = [each for each in self.missing if not is_number(each) or each.lower() == "nan"]
        return sorted({form for each in words for form in (each, each.lower(), each.upper(), each.title())})


@dataclass(frozen=True)
class TextChunk:
    """Bytes of a text file that are whole rows, and the header before them if there is one."""

    shard: Shard
    file: TextFile
    start: int
    size: int
    first: int = 0
    rows: int = 0

    def placed(self, first: int, rows: int) -> Chunk:
        """Return the same with what is known of it once it was read."""
        return replace(self, first=first, rows=rows)

    def read(self, reader: Reader) -> Rows:
        """Return the rows.

        Raises:
            DataError: the file was changed, is in another encoding, or a row has more or fewer cells than the header.
        """
        try:
            with self.shard.path.open("rb") as file:
                file.seek(self.start)
                return self.parsed(file.read(self.size), reader)
        except OSError as error:
            raise ShardError(f"cannot read {self.shard.path}: {error.strerror or error}; put it back") from error

    def parsed(self, raw: bytes, reader: Reader) -> Rows:
        """Return the rows that its bytes are."""
        encoding, path = self.file.encoding, self.shard.path
        block = raw if encoding == "utf-8" else decoded(path, codecs.getincrementaldecoder(encoding)(), raw, encoding)
        if self.start == 0 and self.file.has_header:
            block = without_first(block)
        frame = self.file.numbers_of(block, self.first, reader.numbers, reader.gaps) if reader.numbers else None
        if frame is not None:
            return Rows(str(path), frame, reader.missing, self.first)
        try:
            frame = self.file.parsed(block, self.first)
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not in the encoding {encoding}; say which by encoding=") from error
        return _with_numbers(Rows(str(path), frame, reader.missing, self.first), reader.numbers)


def _with_numbers(rows: Rows, names: Iterable[str]) -> Rows:
    """Return rows of text with those columns as numbers that are some, so that a block reads like those before it."""
    numbers = [name for name in names if name in rows.names and not rows.column(name).odd_count]
    made = [pl.Series(name, rows.column(name).spelled) for name in numbers]
    return Rows(rows.source, rows.frame.with_columns(made), rows.missing, rows.first)


@dataclass(frozen=True)
class ColumnarChunk:
    """Rows of a Parquet or Arrow file."""

    shard: Shard
    first: int
    rows: int

    @property
    def size(self) -> int:
        """How many bytes the file has."""
        return self.shard.size

    def placed(self, first: int, rows: int) -> Chunk:
        """Return the same: all is known of it."""
        return self

    def read(self, reader: Reader) -> Rows:
        """Return the rows.

        Raises:
            DataError: the file was changed, or lacks a column.
        """
        path = self.shard.path
        try:
            with of_its_kind(path):
                lazy = columnar(path).slice(self.first, self.rows)
                frame = (lazy.select(reader.wanted) if reader.wanted else lazy).collect()
        except OutputError as error:
            raise ShardError(f"{error}; put it back") from error
        return Rows(str(path), frame, reader.missing, self.first)


def cut(shard: Shard, how: Reading) -> Iterator[Chunk]:
    """Yield the chunks of a file in order; how many rows one of text has is known when it is read.

    Raises:
        DataError: the file is no table.
        OutputError: it cannot be read.
    """
    if shard.is_columnar:
        yield from (ColumnarChunk(shard, first, rows) for first, rows in _ranges(height(shard)))
        return
    try:
        file = text_file(shard.path, delimiter=how.delimiter, encoding=how.encoding, header=how.header, most=HEAD)
        if file.encoding.replace("_", "-").startswith(("utf-16", "utf-32")):
            raise DataError(f"{shard.path} is in {file.encoding}, which is not read block by block; save it as UTF-8")
        for start, raw in _whole_rows(shard.path, BYTES):
            yield TextChunk(shard, file, start, len(raw))
    except OSError as error:
        raise OutputError(f"cannot read {shard.path}: {error.strerror or error}") from error


def height(shard: Shard) -> int:
    """Return how many rows a Parquet or Arrow file has."""
    with of_its_kind(shard.path):
        rows: int = columnar(shard.path).select(pl.len()).collect().item()
    return rows


def _ranges(height: int) -> Iterator[tuple[int, int]]:
    return ((start, min(ROWS, height - start)) for start in range(0, height, ROWS))


def _whole_rows(path: Path, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield where each piece of a text file begins, and its bytes: whole rows.

    This holds for encodings in which a line's end and a quote are one byte, as in ASCII.
    """
    start, rest = 0, b""
    with path.open("rb") as file:
        while raw := file.read(size):
            rest += raw
            if end := end_of_row(rest):
                yield start, rest[:end]
                start, rest = start + end, rest[end:]
    if rest.strip():
        yield start, rest
