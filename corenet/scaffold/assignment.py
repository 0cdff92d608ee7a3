"""The files of a new assignment: what to hand out, the solution, the points, and how to go on."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Sequence
from pathlib import Path
from string import Template

from corenet.experiments.toml import table, value
from corenet.grading.assignment import FILE, SCHEMA, Assignment, usual
from corenet.grading.layers import layer
from corenet.grading.promises import promises_of
from corenet.grading.textbook import Style, Textbook
from corenet.grading.written import function_names

TEMPLATE = Path(__file__).parent / "template" / "assignment"
IMPORTS: dict[Style, str] = {
    "module": "from __future__ import annotations\n\nimport torch\nfrom torch import Tensor\n\n"
    "from corenet import Loss, Module, Parameter\n",
    "numpy": "from __future__ import annotations\n\nfrom typing import Any\n\nimport numpy as np\n",
}
STUB = 'raise NotImplementedError("write this")'


def assignment_files(name: str, layers: Sequence[str], style: Style) -> dict[str, str]:
    """Return the text of each file of a new assignment, by its path.

    Raises:
        ConfigError: a layer is not known, or named twice.

    >>> sorted(assignment_files("homework", ["relu"], "numpy"))
    ['README.md', 'assignment.toml', 'handout/README.md', 'handout/stub.py', 'solution.py']
    """
    assignment = usual(layers, style)
    textbooks = [layer(each) for each in assignment.layers]
    words = {
        "name": name,
        "formulas": "\n".join(f"- **{each.name}**: {each.formula}" for each in textbooks),
        "parts": "\n".join(
            f"- {', '.join(f'`{part}`' for part in _parts(each, style, alone=len(layers) == 1))}" for each in textbooks
        ),
        "points": "\n".join(_points_of(assignment, each) for each in textbooks),
        "rules": _rules(style),
    }
    files = {
        "handout/stub.py": stub_of(textbooks, style),
        "solution.py": solution_of(textbooks, style),
        FILE: _toml(assignment),
    }
    for path in sorted(TEMPLATE.rglob("*.tmpl")):
        place = path.relative_to(TEMPLATE).as_posix().removesuffix(".tmpl")
        files[place] = Template(path.read_text(encoding="utf-8")).substitute(words)
    return files


def solution_of(textbooks: Sequence[Textbook], style: Style) -> str:
    """Return a right solution of some layers, as a file.

    >>> print(solution_of([layer("mse")], "numpy").partition("def backward")[2].splitlines()[-1])
        return grad_output * 2 * difference / difference.size
    """
    pieces = [piece for each in textbooks for piece in _pieces(each, style, alone=len(textbooks) == 1)]
    return "\n\n".join([IMPORTS[style], *pieces])


def stub_of(textbooks: Sequence[Textbook], style: Style) -> str:
    """Return a solution without the bodies of its forwards and backwards, to hand out."""
    text = solution_of(textbooks, style)
    lines = text.splitlines()
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    for node in sorted(functions, key=lambda each: -each.lineno):
        if node.name.endswith(("forward", "backward")):
            first = node.body[1] if len(node.body) > 1 else node.body[0]
            start = node.body[0].end_lineno
            assert start is not None
            lines[start : node.end_lineno] = [" " * first.col_offset + STUB]
    return "\n".join(lines) + "\n"


def _pieces(textbook: Textbook, style: Style, alone: bool) -> list[str]:
    if style == "module":
        return [inspect.getsource(textbook.module)]
    functions = (textbook.forward, textbook.backward)
    named = zip(functions, function_names(textbook, alone), strict=True)
    return [inspect.getsource(each).replace(f"def {each.__name__}(", f"def {name}(") for each, name in named]


def _parts(textbook: Textbook, style: Style, alone: bool) -> tuple[str, ...]:
    return (textbook.module.__name__,) if style == "module" else function_names(textbook, alone)


def _points_of(assignment: Assignment, textbook: Textbook) -> str:
    worth = assignment.points[textbook.name]
    rows = [f"  - {each.title}: {worth[each.name]:g}" for each in promises_of(textbook, assignment.style)]
    return "\n".join([f"- **{textbook.name}** ({sum(worth.values()):g} points)", *rows])


def _toml(assignment: Assignment) -> str:
    head = table({"schema": SCHEMA, "layers": list(assignment.layers), "style": assignment.style})
    limits = f"seconds = {value(assignment.seconds)}  # of processor time that a submission may take\n"
    limits += f"memory = {assignment.memory}  # MiB that it may take"
    points = [f"[points.{name}]\n{table(worth)}" for name, worth in assignment.points.items()]
    note = "# What each check is worth; one that is left out is not made."
    return "\n\n".join([f"{head}\n{limits}", note + "\n" + points[0], *points[1:]]) + "\n"


def _rules(style: Style) -> str:
    return textwrap.dedent(RULES[style]).strip()


RULES: dict[Style, str] = {
    "module": """
        - `forward` keeps what `backward` needs by `self.save(...)`; `backward` takes it by `self.saved()`.
        - `backward` returns the gradient of the input, or a tuple of them, one for each input, and *adds* that of a
          parameter to its `.grad`. A loss's `backward()` takes no argument.
    """,
    "numpy": """
        - `forward` returns `(output, cache)`; the cache is whatever `backward` needs.
        - `backward(grad_output, cache)` returns the gradient of each array of real numbers that `forward` took, in
          that order: one array, or a tuple. Targets and indices have none.
    """,
}
