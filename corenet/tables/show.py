"""What was decided for each column, as text and as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Protocol

from corenet.notebook.html_table import html_table
from corenet.text_table import text_table

if TYPE_CHECKING:
    from corenet.tables.coding import TableCoding
    from corenet.tables.kinds import Decision


class Shown(Protocol):
    """A table whose columns are understood: in memory, or streamed."""

    columns: list[Decision]
    target: Decision
    coding: TableCoding

    @property
    def source(self) -> str:
        """Where it is from, in words."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What else a person should know of it."""
        ...

    def __len__(self) -> int:
        """How many rows it has."""
        ...


MOST = 40  # columns that are shown
HEADING = ("COLUMN", "AS", "WHAT")


def as_text(table: Shown) -> str:
    """Return the decisions as lines of text."""
    return "\n".join([_title(table), *text_table(HEADING, _lines(table)), *_notes(table)])


def as_html(table: Shown) -> str:
    """Return the decisions as an HTML table, for notebooks."""
    notes = "".join(f"<p>{escape(note)}</p>" for note in _notes(table))
    return html_table(_title(table), [name.title() for name in HEADING], _lines(table)) + notes


def _title(table: Shown) -> str:
    coding = table.coding
    outputs = f"{coding.out_features} output{'s' * (coding.out_features > 1)}"
    inputs = f"{coding.in_features:,} input{'s' * (coding.in_features > 1)}"
    return f"{table.source}: {len(table):,} rows, {inputs} → {outputs}"


def _lines(table: Shown) -> Iterator[tuple[str, str, str]]:
    for each in table.columns[:MOST]:
        yield each.name, "—" if each.kind == "drop" else each.kind, each.what
    yield table.target.name, "target", table.target.what


def _notes(table: Shown) -> list[str]:
    hidden = len(table.columns) - MOST
    return [*([f"… and {hidden:,} more columns"] if hidden > 0 else []), *table.notes]
