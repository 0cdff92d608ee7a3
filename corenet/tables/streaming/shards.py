"""The files of a table, whether it is one, a folder of them or a pattern; and that they stay as they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from glob import glob, has_magic
from hashlib import file_digest
from pathlib import Path

from corenet.errors import DataError, OutputError, ShardError
from corenet.tables.frames import COLUMNAR, NUMPY
from corenet.tables.spelling import listed

TEXT = (".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class Shard:
    """A file as it was when the table was first read: its size in bytes, and when it was changed."""

    path: Path
    size: int
    changed: int

    @property
    def is_columnar(self) -> bool:
        """Whether it is Parquet or Arrow, and no text."""
        return self.path.suffix.lower() in COLUMNAR

    def refuse_changed(self) -> None:
        """See that the file is there as it was.

        Raises:
            ShardError: it is gone, or another by now.
        """
        try:
            now = _shard(self.path)
        except OSError as error:
            raise ShardError(f"{self.path} is gone since the table was first read; put it back") from error
        if now != self:
            raise ShardError(
                f"{self.path} was changed since the table was first read ({self.size:,} bytes then, {now.size:,} now); "
                "put it back as it was"
            )

    def digest(self) -> str:
        """Return a hash of what is in the file.

        Raises:
            ShardError: it is gone, or another by now.
        """
        self.refuse_changed()
        return _digest(self)


def shards_of(source: str | Path) -> tuple[Shard, ...]:
    """Return the files of a table by name: one file, the tables in a folder, or what a pattern such as ``*.csv`` finds.

    Raises:
        OutputError: there is none, or it cannot be read.
        DataError: one is empty, or of NumPy, or some are text and others are not.
    """
    paths = _paths(Path(source))
    try:
        found = tuple(map(_shard, paths))
    except OSError as error:
        raise OutputError(f"cannot read {error.filename}: {error.strerror}") from error
    for each in found:
        if each.size == 0:
            raise DataError(f"{each.path} is empty; a table has a header and rows")
        if each.path.suffix.lower() in NUMPY:
            raise DataError(f"{each.path} is of NumPy, which is not read block by block; write it as Parquet")
    _refuse_mixed(found)
    return found


def is_of_shards(source: str | Path) -> bool:
    """Tell whether a source is a folder or a pattern, and no file."""
    path = Path(source)
    return path.is_dir() or (has_magic(str(source)) and not path.exists())


def _paths(path: Path) -> list[Path]:
    if path.is_dir():
        suffixes = (*TEXT, *COLUMNAR)
        names = sorted(each for each in path.iterdir() if each.suffix.lower() in suffixes and each.name[0] not in "._")
        if not names:
            raise OutputError(f"{path} is a folder without tables; they end in {', '.join(suffixes)}")
        return names
    if is_of_shards(path):
        found = sorted(Path(each) for each in glob(str(path), recursive=True))
        if not found:
            raise OutputError(f"no file is called {path}; a pattern is such as shards/*.csv")
        return [each for each in found if each.is_file()]
    if not path.exists():
        raise OutputError(f"there is no file {path}; give a path, a folder, or a pattern such as shards/*.csv")
    return [path]


@lru_cache(10_000)
def _digest(shard: Shard) -> str:
    with open(shard.path, "rb") as file:
        return file_digest(file, "blake2b").hexdigest()[:24]


def _shard(path: Path) -> Shard:
    found = path.stat()
    return Shard(path, found.st_size, found.st_mtime_ns)


def _refuse_mixed(shards: Sequence[Shard]) -> None:
    text, others = ([each.path.name for each in shards if each.is_columnar == kind] for kind in (False, True))
    if text and others:
        raise DataError(
            f"{listed(text, 2)} and {listed(others, 2)} are of two kinds; a table is of text files, or of Parquet or "
            "Arrow files"
        )
