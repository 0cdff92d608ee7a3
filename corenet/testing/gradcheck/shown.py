"""Reports that a terminal and a notebook show as ``print`` does."""

from __future__ import annotations

from html import escape
from typing import Protocol


class Printer(Protocol):
    """What IPython hands over to be written to."""

    def text(self, text: str, /) -> None: ...


class ShownAsPrinted:
    """Shows what ``print`` shows wherever an interpreter shows a value."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Printer, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return f'<pre style="white-space: pre-wrap">{escape(str(self))}</pre>'
