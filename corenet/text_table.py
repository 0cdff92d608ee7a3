"""The one table of every command: rows in aligned columns, as lines of text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from corenet.text_width import cut, display_width, pad, terminal_width, wrap

GAP = 2
BELOW = 4  # the indent of a last cell that goes below its row
NARROWEST = 16  # of a last column that wraps beside the others


def text_table(
    heading: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Collection[int] = (),
    wrapped: int = -1,
    width: int | None = None,
) -> list[str]:
    """Return the lines of a table, aligned by display width; cells may hold colours.

    Where it is too wide, the words of one column wrap. If that is the last and less than 16 cells are
    left for it, it goes below its row; words that are still too long are cut.

    Args:
        heading: the titles of the columns.
        rows: the cells of each row.
        right: the columns that stand to the right, for numbers.
        wrapped: the column whose words wrap, by default the last.
        width: the cells of a line; by default the terminal's, without end where stdout is none.

    >>> print(*text_table(["NAME", "ERROR"], [["relu", "1e-9"], ["線形", "2e-10"]], right={1}), sep="\\n")
    NAME  ERROR
    relu   1e-9
    線形  2e-10
    """
    cells = [heading, *rows]
    width = terminal_width() if width is None else width
    widths = [max(map(display_width, column)) for column in zip(*cells, strict=True)]
    wrapped %= len(widths)
    room = width - sum(widths) + widths[wrapped] - GAP * (len(widths) - 1)
    if wrapped == len(widths) - 1:
        lines = [line for row in cells for line in _last_wrapped(row, widths, right, room, width)]
        return [cut(line, width) for line in lines]
    longest = max((display_width(word) for row in cells for word in row[wrapped].split()), default=0)
    widths[wrapped] = min(widths[wrapped], max(room, longest))
    return [_joined(line, widths, right) for row in cells for line in _pieces(row, widths[wrapped], wrapped)]


def _last_wrapped(
    row: Sequence[str], widths: list[int], right: Collection[int], room: int, width: int
) -> Iterator[str]:
    """Yield a row whose last cell wraps in its column, or below where that is too narrow; a lone word is left."""
    if len(row[-1].split()) < 2 or display_width(row[-1]) <= room:
        yield _joined(row, widths, right)
    elif room >= NARROWEST:
        yield from (_joined(line, [*widths[:-1], room], right) for line in _pieces(row, room, len(row) - 1))
    else:
        yield _joined(row[:-1], widths, right)
        yield from wrap(row[-1], width, first=" " * BELOW, rest=" " * BELOW)


def _pieces(row: Sequence[str], width: int, column: int) -> list[Sequence[str]]:
    """Return the lines of a row: one, or as many as the words of its ``column`` need."""
    if display_width(row[column]) <= width:
        return [row]
    cell = row[column]
    indent = cell[: len(cell) - len(cell.lstrip())]
    pieces = wrap(cell.strip(), width, first=indent, rest=indent)
    beside = [row] + [[""] * len(row)] * (len(pieces) - 1)
    return [[*line[:column], piece, *line[column + 1 :]] for line, piece in zip(beside, pieces, strict=True)]


def _joined(line: Sequence[str], widths: Sequence[int], right: Collection[int]) -> str:
    padded = (pad(cell, widths[column], column in right) for column, cell in enumerate(line))
    return (" " * GAP).join(padded).rstrip()
