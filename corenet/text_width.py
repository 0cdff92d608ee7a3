"""Text measured, cut and wrapped by the cells that it takes on a terminal, not by its characters."""

from __future__ import annotations

import re
import shutil
import sys
from functools import cache
from typing import TextIO
from unicodedata import category, east_asian_width

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PIECES = re.compile(rf"{COLOUR.pattern}|.", re.DOTALL)
_WORDS = re.compile(r"\s*\S+")  # each with the space before it


def display_width(text: str) -> int:
    """Return the cells of ``text``: two for a wide character, none for a combining one or a colour.

    ``rich.cells`` measures the same, but its import would cost a listing as much as all the rest.

    >>> display_width("層"), display_width("e\u0301"), display_width("\x1b[31mred\x1b[0m")
    (2, 1, 3)
    """
    visible = COLOUR.sub("", text)
    return len(visible) if visible.isascii() else sum(map(_cells, visible))


def cut(text: str, width: int) -> str:
    """Return ``text`` in at most ``width`` cells, with an ellipsis where something is left out.

    >>> cut("gradient", 5), cut("層層層", 4)
    ('grad…', '層…')
    """
    if display_width(text) <= width:
        return text
    kept, cells = "", 0
    for piece in _PIECES.findall(text):
        cells += display_width(piece)
        if cells < width or COLOUR.match(piece):  # a colour is always ended
            kept += piece
    return f"{kept}…"


def pad(text: str, width: int, right: bool = False) -> str:
    """Return ``text`` filled up to ``width`` cells, at its left if it stands to the ``right``.

    >>> pad("層", 4) + "|", pad("7", 3, right=True)
    ('層  |', '  7')
    """
    spaces = " " * (width - display_width(text))
    return spaces + text if right else text + spaces


def wrap(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    """Return ``text`` in lines of at most ``width`` cells, broken between words; a longer word stays whole.

    The first line begins with ``first``, each other one with ``rest``. Spaces within a line are kept.

    >>> wrap("each gradient is verified", 14, first="- ", rest="  ")
    ['- each', '  gradient is', '  verified']
    """
    lines: list[str] = []
    line, is_empty = first, True
    for word in _WORDS.findall(text):
        longer = line + " " * (len(word) - len(word.lstrip())) + word.lstrip()
        if is_empty or display_width(longer) <= width:
            line, is_empty = longer, False
        else:
            lines.append(line)
            line = rest + word.lstrip()
    return lines if is_empty else [*lines, line]


def terminal_width(stream: TextIO | None = None) -> int:
    """Return the columns of the terminal that ``stream`` is, by default stdout; without end if it is none."""
    stream = stream or sys.stdout
    return shutil.get_terminal_size().columns if stream.isatty() else sys.maxsize


@cache
def _cells(character: str) -> int:
    if category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
