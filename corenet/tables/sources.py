"""Any source as rows: all of them, or block by block in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corenet.errors import DataError, OutputError
from corenet.tables.bundled import NAMES, bundled
from corenet.tables.delimited import text_file
from corenet.tables.frames import COLUMNAR, NUMPY, columnar, file_frame, frame_of, of_columns, of_its_kind
from corenet.tables.memory import refuse_larger
from corenet.tables.reader import pl
from corenet.tables.rows import Rows
from corenet.tables.spelling import MISSING


@dataclass(frozen=True)
class Reading:
    """How a source is read, where that is not found out."""

    delimiter: str | None = None
    encoding: str | None = None
    header: Sequence[str] | None = None
    missing: Sequence[str] = MISSING


def read(source: Any, how: Reading) -> Rows:
    """Return all rows of a source: a path, a name, a frame, a dict of columns or an array.

    Raises:
        DataError: it is empty, no table, or takes more memory than is free.
        OutputError: it cannot be read.
    """
    if isinstance(source, str) and (frame := bundled(source)) is not None:
        return Rows(source, frame, how.missing)
    if not isinstance(source, str | Path):
        return _some(Rows("the table", frame_of(source, how.header), how.missing))
    path = _readable(Path(source))
    if path.suffix.lower() in (*COLUMNAR, *NUMPY):
        return _some(Rows(str(path), file_frame(path, how.header), how.missing))
    with _reading(path):
        file = text_file(path, delimiter=how.delimiter, encoding=how.encoding, header=how.header)
        refuse_larger(path, file.head, file.delimiter, file.encoding)
        frames = list(file.frames())
    if not frames:
        raise DataError(f"{path} has a header and no row below it")
    return _some(Rows(str(path), pl.concat(frames), how.missing, notes=file.notes))


def blocks(source: Any, how: Reading, size: int) -> Iterator[Rows]:
    """Yield the rows of a source piece by piece, of a text, Parquet or Arrow file without reading all of it at once.

    The files of a folder, or those that a pattern finds, come one after the other; rows are counted in each anew.
    """
    for each in _files(source):
        first = 0
        for rows in _pieces(each, how, size):
            for start in range(0, len(rows), size):
                part = rows.piece(start, size, first)
                first += len(part)
                yield part


def _files(source: Any) -> list[Any]:
    """Return the files of a folder or pattern; of anything else the source itself."""
    if not isinstance(source, str | Path) or (isinstance(source, str) and source in NAMES):
        return [source]
    from corenet.tables.streaming.shards import is_of_shards, shards_of  # few sources are several files

    return [each.path for each in shards_of(source)] if is_of_shards(source) else [source]


def _pieces(source: Any, how: Reading, size: int) -> Iterator[Rows]:
    path = Path(source) if isinstance(source, str | Path) else None
    if path is None or path.suffix.lower() in NUMPY or (isinstance(source, str) and bundled(source) is not None):
        yield read(source, how)
    elif _readable(path).suffix.lower() in COLUMNAR:
        yield from _columnar_pieces(path, how, size)
    else:
        with _reading(path):
            file = text_file(path, delimiter=how.delimiter, encoding=how.encoding, header=how.header)
            for frame in file.frames():
                yield Rows(str(path), frame, how.missing)


def _columnar_pieces(path: Path, how: Reading, size: int) -> Iterator[Rows]:
    with of_its_kind(path):
        lazy = columnar(path)
        height = lazy.select(pl.len()).collect().item()
    for start in range(0, height, size):
        with of_its_kind(path):
            frame = lazy.slice(start, size).collect()
        yield Rows(str(path), frame, how.missing)


def _readable(path: Path) -> Path:
    """Return the path, if there is a file."""
    if path.is_dir():
        raise OutputError(f"{path} is a folder; name the file in it")
    if not path.exists():
        raise OutputError(f"there is no file {path}; give a path, or a name such as {', '.join(NAMES[:3])}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty; a table has a header and rows")
    return path


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror or error}") from error


def _some(rows: Rows) -> Rows:
    if not len(rows):
        raise DataError(f"{rows.source} has no row; a table has at least two")
    return rows


def with_target(rows: Rows, values: Any) -> tuple[Rows, str]:
    """Return the rows with the target's values as one more column, and its name.

    Raises:
        DataError: there are more or fewer values than rows.
    """
    name = "target" if "target" not in rows.names else "target values"
    shape = getattr(values, "shape", ())
    column = of_columns({name: values.reshape(-1) if shape[1:] == (1,) else values})
    if column.columns != [name] or len(column) != len(rows):
        has = f"{len(column)} rows of {column.width} values"
        raise DataError(f"the target has {has}, the table {len(rows)} rows; give one value a row")
    return Rows(rows.source, rows.frame.hstack(column), rows.missing, notes=rows.notes), name
