"""Mutants of a right solution: its text with one statement of a backward changed."""

from __future__ import annotations

import ast
import random
import zlib
from dataclasses import dataclass

from benchmarks.mutants.edits import Edit, edits


@dataclass(frozen=True)
class Mutant:
    """The text of a solution of one layer with one changed statement."""

    layer: str
    style: str
    edit: Edit
    text: str

    @property
    def name(self) -> str:
        """What the file of the submission is called, without its suffix."""
        return f"{self.layer}_{self.style}_{self.edit.first}_{zlib.crc32(self.edit.text.encode()):08x}"

    def __str__(self) -> str:
        return f"{self.layer}, {self.style}, line {self.edit.first} [{self.edit.kind}] {self.edit.text}"


def mutants_of(layer: str, style: str, solution: str) -> list[Mutant]:
    """Return the mutants of a solution, each text once, in an order drawn by the name of the layer."""
    found = {}
    for function in _functions(ast.parse(solution), style):
        for edit in edits(function, only_saving=function.name == "forward" and style == "module"):
            text = _changed(solution, edit)
            if text != solution:
                found[text] = Mutant(layer, style, edit, text)
    chosen = list(found.values())
    random.Random(f"{layer} {style}").shuffle(chosen)
    return chosen


def _functions(tree: ast.Module, style: str) -> list[ast.FunctionDef]:
    """Return what is changed: every backward, and in the module style what forward saves for it."""
    wanted = ("backward", "forward") if style == "module" else ("backward",)
    return [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.rpartition("_")[2] in wanted
    ]


def _changed(solution: str, edit: Edit) -> str:
    """Return the text with the statement changed, as many lines long as it was."""
    lines = solution.splitlines()
    old = lines[edit.first - 1]
    indent = old[: len(old) - len(old.lstrip())]
    lines[edit.first - 1 : edit.last] = [indent + edit.text, *[""] * (edit.last - edit.first)]
    return "\n".join(lines) + "\n"
