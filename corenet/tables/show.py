"""What was decided for each column, as text and as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

from corenet.notebook.html_table import html_table
from corenet.text_table import text_table

if TYPE_CHECKING:
    from corenet.tables.table import Table

MOST = 40  # columns that are shown
HEADING = ("COLUMN", "AS", "WHAT")


def as_text(table: Table) -> str:
    """Return the decisions as lines of text."""
    return "\n".join([_title(table), *text_table(HEADING, _lines(table)), *_notes(table)])


def as_html(table: Table) -> str:
    """Return the decisions as an HTML table, for notebooks."""
    notes = "".join(f"<p>{escape(note)}</p>" for note in _notes(table))
    return html_table(_title(table), [name.title() for name in HEADING], _lines(table)) + notes


def _title(table: Table) -> str:
    coding = table.coding
    outputs = f"{coding.out_features} output{'s' * (coding.out_features > 1)}"
    inputs = f"{coding.in_features:,} input{'s' * (coding.in_features > 1)}"
    return f"{table.rows.source}: {len(table):,} rows, {inputs} → {outputs}"


def _lines(table: Table) -> Iterator[tuple[str, str, str]]:
    for each in table.columns[:MOST]:
        yield each.name, "—" if each.kind == "drop" else each.kind, each.what
    yield table.target.name, "target", table.target.what


def _notes(table: Table) -> list[str]:
    hidden = len(table.columns) - MOST
    return [*([f"… and {hidden:,} more columns"] if hidden > 0 else []), *table.rows.notes]
