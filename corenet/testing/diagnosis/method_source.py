"""The source of one method: its text, its syntax tree, its file and lines."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

LONGEST = 100


@dataclass(frozen=True)
class Method:
    """The source of a method: its file as shown, its first line there, and its text."""

    path: str
    start: int
    text: str

    @property
    def tree(self) -> ast.Module:
        """Its syntax tree; empty for a lambda inside of a larger expression, which does not parse alone."""
        try:
            return ast.parse(self.text)
        except SyntaxError:
            return ast.Module([], [])

    @property
    def range(self) -> str:
        """Its lines, such as ``corenet_swish/__init__.py:26-31``; of a single line, its text too."""
        lines = self.text.splitlines()
        if len(lines) == 1:
            return f"{self.path}:{self.start}: {shortened(self.text)}"
        return f"{self.path}:{self.start}-{self.start + len(lines) - 1}"

    def line(self, statement: ast.stmt) -> str:
        """Return where a statement begins, and the statement."""
        segment = ast.get_source_segment(self.text, statement) or ""
        return f"{self.path}:{self.number(statement)}: {shortened(segment)}"

    def number(self, statement: ast.stmt) -> int:
        """Return the number of the line at which a statement begins."""
        return self.start + statement.lineno - 1


def method_of(cls: type, name: str) -> Method | None:
    """Return the source of a method, or None if it is not available."""
    return source_of(getattr(cls, name, None))


def source_of(function: object) -> Method | None:
    """Return the source of a function, or None if it is not available."""
    try:
        written = inspect.unwrap(function)  # type: ignore[arg-type]  # what is no function raises a TypeError
        lines, start = inspect.getsourcelines(written)
    except (AttributeError, TypeError, OSError, ValueError, SyntaxError):
        return None
    return Method(short_path(written), start, textwrap.dedent("".join(lines)))


def short_path(function: Any) -> str:
    """Return the file's path from its top package on, such as ``corenet_swish/__init__.py``."""
    file = PurePath(inspect.getsourcefile(function) or "")
    depth = len((function.__module__ or "").split(".")) + (file.name == "__init__.py")
    return "/".join(file.parts[-depth:])


def shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
