"""A mutant: the source file of a right component with one statement changed, imported as a module of its own."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mutants.edits import Edit, edits
from corenet.contracts.optimizer import Optimizer

MUTATED = ("backward", "backward_parameters", "slope", "derivative", "update", "_backward", "forward")


@dataclass(frozen=True)
class Mutant:
    """One changed statement of a component; ``method`` has it."""

    subject: type
    method: str
    edit: Edit

    def __str__(self) -> str:
        return f"{self.subject.__name__}.{self.method}:{self.edit.first} [{self.edit.kind}] {self.edit.text}"

    def load(self, folder: Path, name: str) -> type:
        """Write the changed file, line for line as long as the right one, and return the class in it."""
        lines = Path(inspect.getfile(self.subject)).read_text(encoding="utf-8").splitlines()
        old = lines[self.edit.first - 1]
        indent = old[: len(old) - len(old.lstrip())]
        lines[self.edit.first - 1 : self.edit.last] = [
            indent + self.edit.text,
            *[""] * (self.edit.last - self.edit.first),
        ]
        path = folder / f"{name}.py"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        cls: type = getattr(module, self.subject.__name__)
        return cls


def mutants_of(subject: type, most: int) -> list[Mutant]:
    """Return the mutants of a component, each text once; if there are more than ``most``, some drawn by its name."""
    found = {}
    for node in _class_node(subject).body:
        if isinstance(node, ast.FunctionDef) and node.name in MUTATED:
            saves = node.name == "forward" and not issubclass(subject, Optimizer)
            if node.name == "forward" and not saves:
                continue
            for edit in edits(node, only_saving=saves):
                original = ast.get_source_segment(_text(subject), node)
                if edit.text not in (original or ""):
                    found[edit.first, edit.text] = Mutant(subject, node.name, edit)
    chosen = list(found.values())
    if len(chosen) > most:
        chosen = random.Random(subject.__name__).sample(chosen, most)
    return chosen


def _text(subject: type) -> str:
    return Path(inspect.getfile(subject)).read_text(encoding="utf-8")


def _class_node(subject: type) -> ast.ClassDef:
    for node in ast.parse(_text(subject)).body:
        if isinstance(node, ast.ClassDef) and node.name == subject.__name__:
            return node
    raise LookupError(subject)
