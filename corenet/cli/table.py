"""Rows in columns, as lines of text."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table: aligned columns, the last one as long as the terminal allows.

    >>> table(["NAME", "KIND"], [["relu", "module"], ["mse", "loss"]])
    ['NAME  KIND', 'relu  module', 'mse   loss']
    """
    cells = [heading, *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heading) - 1)]
    lines = ("  ".join([*map(str.ljust, row, widths), row[-1]]).rstrip() for row in cells)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    return [line if len(line) <= width else line[: width - 1] + "…" for line in lines]
