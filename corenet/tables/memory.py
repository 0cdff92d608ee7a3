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
    size, free = path.stat().st_size, free_memory()
    cells = size * (head.count(delimiter) + head.count("\n")) // max(1, len(head.encode(encoding)))
    needed = COPIES * size + CELL * cells
    if free is not None and needed > free:
        raise DataError(
            f"{path} takes about {needed / 1e9:.2g} GB as a table, and {free / 1e9:.2g} GB of memory are free; learn "
            "from a part of its rows (corenet predict and evaluate read all of them, piece by piece)"
        )
