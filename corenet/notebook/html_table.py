"""A table in HTML: the notebook's twin of the table of every command."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

from corenet.registry.sanitize import plain


def html_table(
    caption: str, heading: Sequence[str], rows: Iterable[Sequence[str]], *, right: Collection[int] = ()
) -> str:
    """Return an HTML table. It has no colours, so it takes those of the page; all text is escaped.

    Args:
        caption: what stands above it.
        heading: the titles of the columns.
        rows: the cells of each row.
        right: the columns that stand to the right, for numbers.

    >>> html_table("", ["NAME"], [["<b>"]]).partition("</tr>")[2]
    '<tr><td style="text-align:left">&lt;b&gt;</td></tr></table>'
    """
    lines = [_row("th", heading, right), *(_row("td", row, right) for row in rows)]
    return f"<table><caption>{escape(plain(caption))}</caption>{''.join(lines)}</table>"


def _row(tag: str, cells: Sequence[str], right: Collection[int]) -> str:
    sides = ("right" if place in right else "left" for place in range(len(cells)))
    shown = (
        f'<{tag} style="text-align:{side}">{escape(plain(cell))}</{tag}>'
        for cell, side in zip(cells, sides, strict=True)
    )
    return f"<tr>{''.join(shown)}</tr>"
