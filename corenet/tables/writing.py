"""Frames written one below the other, as they come, into a file that is whole or not there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from corenet.errors import OutputError
from corenet.files import written
from corenet.tables.reader import pl

SEPARATORS = {".csv": ",", ".tsv": "\t"}
PARQUET = (".parquet", ".pq")


def refuse_unwritable(path: Path, *, force: bool) -> None:
    """Refuse, before the work, a file of an ending that says no form, and one that is there unless ``force``.

    Raises:
        OutputError: it is one of these.
    """
    if path.suffix.lower() not in (*SEPARATORS, *PARQUET) and not _is_device(path):
        endings = ", ".join((*SEPARATORS, *PARQUET[:1]))
        raise OutputError(f"{path} says by its ending no form that can be written; there are {endings}")
    if path.exists() and not _is_device(path) and not force:
        raise OutputError(f"{path} is there already; name another file, or write over it by --force")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"cannot write {path}: there is no folder {path.absolute().parent}")


def write_frames(path: Path, frames: Iterator[pl.DataFrame]) -> int:
    """Write frames of one form to a ``.csv``, ``.tsv`` or ``.parquet`` file, and return the number of their rows.

    Raises:
        OutputError: the file cannot be written.
    """
    with written(path) as file:
        if path.suffix.lower() in PARQUET:
            return _write_parquet(file, path, frames)
        return _write_text(file, SEPARATORS.get(path.suffix.lower(), ","), frames)


def _write_text(file: IO[bytes], separator: str, frames: Iterator[pl.DataFrame]) -> int:
    rows = 0
    for frame in frames:
        frame.write_csv(file, include_header=rows == 0, separator=separator)
        rows += frame.height
    return rows


def _write_parquet(file: IO[bytes], path: Path, frames: Iterator[pl.DataFrame]) -> int:
    """Write by way of a file for each frame, for polars writes a file of Parquet in one call."""
    rows = 0
    with TemporaryDirectory(prefix=".corenet-", dir=path.absolute().parent) as folder:
        whole = Path(folder, "whole")
        for place, frame in enumerate(frames):
            with _writing(path):
                frame.write_parquet(f"{folder}/{place:09}.parquet")
            rows += frame.height
        with _writing(path):
            pl.scan_parquet(f"{folder}/*.parquet").sink_parquet(whole)
        with whole.open("rb") as source:
            shutil.copyfileobj(source, file)
    return rows


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Let what polars says of a disk be about ``path``."""
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        raise OutputError(f"cannot write {path}: {str(error).splitlines()[0]}") from error


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()
