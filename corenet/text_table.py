"""The one table of every command: rows in aligned columns, as lines of text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from corenet.text_width import cut, display_width, pad, terminal_width, wrap

GAP = "  "


def text_table(
    heading: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Collection[int] = (),
    wrapped: int | None = None,
    width: int | None = None,
) -> list[str]:
    """Return the lines of a table, aligned by display width; cells may hold colours.

    Args:
        heading: the titles of the columns.
        rows: the cells of each row.
        right: the columns that stand to the right, for numbers.
        wrapped: the column whose words wrap where the table is too wide; without one, lines are cut.
        width: the cells of a line; by default the terminal's, without end where stdout is none.

    >>> print(*text_table(["NAME", "ERROR"], [["relu", "1e-9"], ["線形", "2e-10"]], right={1}), sep="\\n")
    NAME  ERROR
    relu   1e-9
    線形  2e-10
    """
    cells = [heading, *rows]
    width = terminal_width() if width is None else width
    widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
    if wrapped is not None:
        widths[wrapped] = _room(cells, widths, wrapped, width)
    lines = [_joined(line, widths, right) for row in cells for line in _broken(row, widths, wrapped)]
    return lines if wrapped is not None else [cut(line, width) for line in lines]


def _room(cells: list[Sequence[str]], widths: list[int], column: int, width: int) -> int:
    """Return the width of the column that wraps: what the others leave, but room for its longest word."""
    taken = sum(widths) - widths[column] + len(GAP) * (len(widths) - 1)
    longest = max((display_width(word) for row in cells for word in row[column].split()), default=0)
    return min(widths[column], max(width - taken, longest))


def _broken(row: Sequence[str], widths: list[int], wrapped: int | None) -> list[Sequence[str]]:
    """Return the lines of a row: one, or as many as the column that wraps needs."""
    if wrapped is None or display_width(row[wrapped]) <= widths[wrapped]:
        return [row]
    cell = row[wrapped]
    indent = cell[: len(cell) - len(cell.lstrip())]
    pieces = wrap(cell.strip(), widths[wrapped], first=indent, rest=indent)
    beside = [row] + [[""] * len(row)] * (len(pieces) - 1)
    return [[*line[:wrapped], piece, *line[wrapped + 1 :]] for line, piece in zip(beside, pieces, strict=True)]


def _joined(line: Sequence[str], widths: Sequence[int], right: Collection[int]) -> str:
    padded = (pad(cell, widths[column], column in right) for column, cell in enumerate(line))
    return GAP.join(padded).rstrip()
