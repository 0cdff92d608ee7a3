"""Whether a file fits in memory, told before it is read."""

from __future__ import annotations

from pathlib import Path

from corenet.errors import DataError
from corenet.machine import free_memory

CELL = 45  # bytes that a cell takes beside its text while a table is read and coded, as measured
COPIES = 2  # of the text itself


def refuse_larger(path: Path, head: str, delimiter: str, encoding: str) -> None:
    """Refuse a text file that takes more memory than is free, judged by the cells of its first lines, ``head``.

    Raises:
        DataError: it does; without this the system would end the process, or all would swap.
    """
    needed, free = needed_for_text(path, head, delimiter, encoding), free_memory()
    if free is not None and needed > free:
        raise DataError(
            f"{path} takes about {needed / 1e9:.2g} GB as a table, and {free / 1e9:.2g} GB of memory are free; "
            "cn.stream_table reads it block by block, as corenet train does unless data.stream is false"
        )


def needed_for_text(path: Path, head: str, delimiter: str, encoding: str) -> int:
    """Return about how many bytes a text file takes as a table, judged by its first lines."""
    size = path.stat().st_size
    cells = size * (head.count(delimiter) + head.count("\n")) // max(1, len(head.encode(encoding)))
    return COPIES * size + CELL * cells


def needed_for_cells(cells: int) -> int:
    """Return about how many bytes so many numbers take as a table."""
    return CELL * cells
