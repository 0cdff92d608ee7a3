"""Text files of rows: the encoding, the delimiter and the header, and then block after block for polars to read."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path

from corenet.errors import ConfigError, DataError
from corenet.tables.encodings import FALLBACK, decoded, encoding_of, known
from corenet.tables.reader import pl
from corenet.tables.spelling import is_number, listed, quoted

DELIMITERS = ",;\t|"
HEAD = 2**16  # bytes in which delimiter and header are looked for
BLOCK = 2**21  # bytes: larger ones are no faster, and take more memory


@dataclass(frozen=True)
class TextFile:
    """A file of rows, its first lines understood."""

    path: Path
    encoding: str
    delimiter: str
    names: list[str]
    has_header: bool
    head: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What was guessed and may be wrong."""
        guessed = "read as Windows-1252, since it is not UTF-8; encoding= says which it is"
        return (guessed,) if self.encoding == FALLBACK else ()

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield the rows in frames of text.

        Raises:
            DataError: a row has more or fewer cells than the header.
        """
        skip, first = self.has_header, 0
        for block in _blocks(self.path, self.encoding):
            frame = self.parsed(without_first(block) if skip else block, first)
            skip = False
            first += frame.height
            yield frame

    def parsed(self, block: bytes, first: int) -> pl.DataFrame:
        """Return a block of UTF-8 as a frame of text; what polars fills up or refuses is looked at row by row.

        ``first`` rows of the file came before it.

        Raises:
            DataError: a row has more or fewer cells than the header.
        """
        schema = dict.fromkeys(self.names, pl.String)
        if not block.strip():
            return pl.DataFrame(schema=schema)
        try:
            frame = pl.read_csv(
                block, has_header=False, schema=schema, separator=self.delimiter, infer_schema=False, glob=False
            )
        except pl.exceptions.PolarsError as error:
            self._refuse_ragged(block, first)
            self._refuse_quotes(block, first)
            raise DataError(f"{self.path} cannot be read as text: {str(error).splitlines()[0]}") from error
        return self._whole(frame, block, first)

    def numbers_of(self, block: bytes, first: int, numbers: Container[str], gaps: list[str]) -> pl.DataFrame | None:
        """Return a block as a frame in which the columns ``numbers`` are numbers, ``gaps`` standing for none.

        That is some times as fast as text that is made numbers later. It is None where a cell is none of both.
        """
        schema = {name: pl.Float64 if name in numbers else pl.String for name in self.names}
        if not block.strip():
            return pl.DataFrame(schema=schema)
        try:
            frame = pl.read_csv(
                block, has_header=False, schema=schema, separator=self.delimiter, glob=False, null_values=gaps
            )
        except pl.exceptions.PolarsError:
            return None
        return self._whole(frame, block, first)

    def _whole(self, frame: pl.DataFrame, block: bytes, first: int) -> pl.DataFrame:
        """Return a frame without rows that have no cell, once it is known that no other row lacks one."""
        if frame.get_column(self.names[-1]).null_count():  # cells that a row lacks are filled up from the end
            self._refuse_ragged(block, first)
            frame = frame.filter(~pl.all_horizontal(pl.all().is_null())) if len(self.names) > 1 else frame
        return frame

    def _refuse_ragged(self, block: bytes, first: int) -> None:
        cells = csv.reader(StringIO(block.decode(), newline=""), delimiter=self.delimiter)
        for row, each in enumerate(filter(None, cells), first + 1):
            if len(each) != len(self.names):
                advice = f"put text that holds {quoted(self.delimiter)} in quotes, or correct the row"
                if len(self.names) == 1:
                    advice = f"is {quoted(self.names[0])} the header? Take out lines above it"
                raise DataError(
                    f"{self.path}, row {row:,} has {len(each)} cells, the header {len(self.names)}; {advice}"
                )

    def _refuse_quotes(self, block: bytes, first: int) -> None:
        for row, line in enumerate(block.splitlines(), first + 1):
            if line.count(b'"') % 2:
                raise DataError(
                    f"{self.path}, row {row:,} or near it has a quote that none closes; put the cell in quotes, and "
                    "write each quote within it twice"
                )


def text_file(
    path: Path,
    *,
    delimiter: str | None = None,
    encoding: str | None = None,
    header: Sequence[str] | None = None,
    most: int | None = None,
) -> TextFile:
    """Return a file with its encoding, delimiter and columns found out, or as they are given.

    For the encoding, ``most`` bytes are looked at, or all of them.

    Raises:
        DataError: the file is empty, binary, or has no header.
        ConfigError: an option is none that can be.
    """
    encoding = known(encoding) if encoding else encoding_of(path, most)
    head = next(_blocks(path, encoding, HEAD), b"").decode()
    if not head.strip():
        raise DataError(f"{path} is empty; a table has a header and rows")
    if "\n" not in head and "\r" in head:
        raise DataError(f"{path} ends its lines as old Macs did; save it with line ends of Unix or Windows")
    delimiter = _delimiter(head) if delimiter is None else _one_character(delimiter)
    first = next(filter(None, csv.reader(StringIO(head, newline=""), delimiter=delimiter)))
    names = _names(path, first) if header is None else _as_many(path, header, first)
    return TextFile(path, encoding, delimiter, names, has_header=header is None, head=head)


def _blocks(path: Path, encoding: str, size: int = BLOCK) -> Iterator[bytes]:
    """Yield the file as UTF-8 in pieces of whole rows; a line's end between quotes ends no row."""
    decoder = codecs.getincrementaldecoder(encoding)()
    rest = b""
    with path.open("rb") as file:
        while raw := file.read(size):
            rest += decoded(path, decoder, raw, encoding)
            end = end_of_row(rest)
            if end:
                yield rest[:end]
                rest = rest[end:]
    rest += decoded(path, decoder, b"", encoding)
    if rest.strip():
        yield rest


def end_of_row(text: bytes) -> int:
    """Return where the last whole row ends; a line's end between quotes ends none."""
    end = text.rfind(b"\n") + 1
    while end and text.count(b'"', 0, end) % 2:
        end = text.rfind(b"\n", 0, end - 1) + 1
    return end


def without_first(block: bytes) -> bytes:
    """Return a block without its first row, which may have line ends between quotes, nor blank lines before it."""
    block = block.lstrip(b"\r\n")
    end = block.find(b"\n") + 1
    while end and block.count(b'"', 0, end) % 2:
        end = block.find(b"\n", end) + 1
    return block[end:] if end else b""


def _delimiter(head: str) -> str:
    """Return the delimiter that gives the first rows equally many cells, or else the commonest of the first row."""

    def cells(delimiter: str) -> tuple[bool, int]:
        rows = islice(filter(None, csv.reader(StringIO(head, newline=""), delimiter=delimiter)), 50)
        counts = [len(row) for row in rows]
        counts = counts[:-1] or counts  # the last may be cut
        return min(counts) == max(counts) > 1, counts[0]

    return max(DELIMITERS, key=cells)


def _names(path: Path, first: list[str]) -> list[str]:
    """Return the header's names; a column without one is called by its place."""
    names = [name.strip() or f"column {place}" for place, name in enumerate(first, 1)]
    numbers = [name for name in names if is_number(name)]
    if len(set(numbers)) < len(numbers) or not all(each.isdigit() for each in numbers):
        raise DataError(
            f"{path} has no header: its first row is {listed(names, 4)}; give the names of its {len(names)} columns "
            "by header=[...]"
        )
    twice = [name for name in names if names.count(name) > 1] if len(set(names)) < len(names) else []
    if twice:
        raise DataError(f"{path} has two columns {quoted(twice[0])}; give each a name of its own")
    return names


def _as_many(path: Path, header: Sequence[str], first: list[str]) -> list[str]:
    names = [str(name) for name in header]
    if len(names) != len(first) or len(set(names)) < len(names):
        raise ConfigError(
            f"header has {len(set(names))} different names, {path} has {len(first)} columns; give each a name",
            name="header",
            value=header,
        )
    return names


def _one_character(delimiter: str) -> str:
    if len(delimiter.encode()) != 1 or delimiter in '"\r\n':
        raise ConfigError(f"delimiter must be one ASCII character, not {delimiter!r}", name="delimiter")
    return delimiter
