"""The source of a submission: what each layer is made of, by name, and in which lines."""

from __future__ import annotations

import ast
import symtable
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import Any

Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Source:
    """The source of a submission; ``repairs`` are the edits of it that were found to make something right.

    >>> source = Source(Path("a.py"), "import numpy as np\\ndef f(x): return g(x)\\ndef g(x): return np.abs(x)")
    >>> [node.lineno for node in source.parts(["f"])]
    [2, 3]
    >>> source.imported
    {'np': 'numpy'}
    """

    path: Path
    text: str
    repairs: list[tuple[Any, str, FunctionType, Any]] = field(default_factory=list, compare=False)

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text)

    @cached_property
    def defined(self) -> dict[str, list[ast.stmt]]:
        """The statements of the file that define each name."""
        found: dict[str, list[ast.stmt]] = {}
        for statement in self.tree.body:
            for name in _defines(statement):
                found.setdefault(name, []).append(statement)
        return found

    @cached_property
    def imported(self) -> dict[str, str]:
        """What each name that is imported anywhere stands for, such as ``{"np": "numpy"}``."""
        found = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.asname or alias.name.partition(".")[0]
                    found[name] = alias.name if alias.asname else name
            elif isinstance(node, ast.ImportFrom):
                found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        return found

    def parts(self, names: Sequence[str]) -> list[ast.stmt]:
        """Return the statements of the file that those names are made of, and all that these use."""
        seen, left = dict.fromkeys(names), list(names)
        parts: dict[ast.stmt, None] = {}
        while left:
            for statement in self.defined.get(left.pop(0), []):
                parts[statement] = None
                new = sorted(self._used(statement) & self.defined.keys() - seen.keys())
                seen |= dict.fromkeys(new)
                left += new
        return list(parts)

    def _used(self, statement: ast.stmt) -> set[str]:
        """Return the names of the file that a statement uses; those that are a function's own are not."""
        if isinstance(statement, Definition):
            tables = [each for each in self._symbols.get_children() if each.get_name() == statement.name]
            return {name for table in tables for name in _globals_of(table)}
        return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}

    @cached_property
    def _symbols(self) -> symtable.SymbolTable:
        return symtable.symtable(self.text, str(self.path), "exec")

    def function(self, name: str, within: str | None = None) -> ast.FunctionDef | None:
        """Return the function of that name, or the method of the class ``within``."""
        statements = self.tree.body
        if within is not None:
            classes = [each for each in self.defined.get(within, []) if isinstance(each, ast.ClassDef)]
            statements = classes[-1].body if classes else []
        found = [each for each in statements if isinstance(each, ast.FunctionDef) and each.name == name]
        return found[-1] if found else None

    def raised_at(self, error: BaseException | None) -> int | None:
        """Return the last line of the submission in an error's traceback."""
        if isinstance(error, SyntaxError):
            return error.lineno
        frames = traceback.extract_tb(error.__traceback__ if error else None)
        lines = [frame.lineno for frame in frames if Path(frame.filename) == self.path]
        return lines[-1] if lines else None


def _globals_of(table: symtable.SymbolTable) -> Iterator[str]:
    yield from (symbol.get_name() for symbol in table.get_symbols() if symbol.is_global())
    for child in table.get_children():
        yield from _globals_of(child)


def _defines(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, Definition):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            yield from (node.id for node in ast.walk(target) if isinstance(node, ast.Name))
    elif isinstance(statement, ast.If | ast.Try | ast.With | ast.For) and not _runs_alone(statement):
        for each in ast.iter_child_nodes(statement):
            if isinstance(each, ast.stmt):
                yield from _defines(each)


def _runs_alone(statement: ast.stmt) -> bool:
    """Tell whether it is ``if __name__ == "__main__"``, which is no part of what a file offers."""
    return isinstance(statement, ast.If) and "__name__" in ast.unparse(statement.test)
