"""How much memory a file would take as a table, told before it is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corenet.errors import CorenetError
from corenet.tables.delimited import text_file
from corenet.tables.frames import COLUMNAR, NUMPY, columnar, of_its_kind
from corenet.tables.memory import needed_for_cells, needed_for_text
from corenet.tables.reader import pl
from corenet.tables.streaming.chunks import HEAD

SMALL = 2**24  # bytes of a file that is read without a look


def needed_memory(
    path: Path, delimiter: str | None = None, encoding: str | None = None, header: Sequence[str] | None = None
) -> int:
    """Return about how many bytes a file takes as a table in memory; 0 where that is little, or it is no table.

    >>> needed_memory(Path("missing.csv"))
    0
    """
    if not path.is_file() or path.stat().st_size < SMALL or path.suffix.lower() in NUMPY:
        return 0
    try:
        if path.suffix.lower() in COLUMNAR:
            with of_its_kind(path):
                lazy = columnar(path)
                return needed_for_cells(lazy.select(pl.len()).collect().item() * len(lazy.collect_schema()))
        file = text_file(path, delimiter=delimiter, encoding=encoding, header=header, most=HEAD)
        return needed_for_text(path, file.head, file.delimiter, file.encoding)
    except (CorenetError, OSError):
        return 0  # whoever reads it will say what is wrong
