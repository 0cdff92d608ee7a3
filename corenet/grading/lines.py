"""The line of a submission in which something is computed."""

from __future__ import annotations

import ast

from corenet.grading.source import Source
from corenet.grading.textbook import Textbook
from corenet.grading.written import Written

Writing = ast.Assign | ast.AugAssign | ast.AnnAssign


def line_of(source: Source, textbook: Textbook, written: Written, name: str) -> int | None:
    """Return the line that computes the gradient of ``name``, or the output if it is ``"forward"``."""
    within = written.names[0] if len(written.names) == 1 else None
    method = written.names[0] if name == "forward" else written.names[-1]
    if within is not None:
        method = "forward" if name == "forward" else "backward"
    function = source.function(method, within)
    if function is None:
        return None
    if within is not None and name in textbook.parameters:
        return _stored(function, f"self.{name}.grad")
    return _returned(function, _place(textbook, within is None, name))


def _place(textbook: Textbook, is_function: bool, name: str) -> int | None:
    """Return which of the values that a function returns it is; None if it returns one."""
    if name == "forward":
        return 0 if is_function else None
    among = textbook.derived if is_function else textbook.inputs
    return among.index(name) if len(among) > 1 and name in among else None


def _stored(function: ast.FunctionDef, target: str) -> int:
    writing = [node for node in ast.walk(function) if isinstance(node, Writing | ast.Expr)]
    lines = [node.lineno for node in writing if target in ast.unparse(node)]
    return max(lines, default=function.lineno)


def _returned(function: ast.FunctionDef, place: int | None) -> int:
    returns = [node for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]
    if not returns:
        return function.lineno
    last = max(returns, key=lambda node: node.lineno)
    value = last.value
    if isinstance(value, ast.Tuple) and place is not None and place < len(value.elts):
        value = value.elts[place]
    assert value is not None
    if isinstance(value, ast.Name):
        return _assigned(function, value.id) or last.lineno
    return value.lineno


def _assigned(function: ast.FunctionDef, variable: str) -> int:
    """Return the last line that writes to a variable, whole or in part; 0 if none does."""
    lines = [
        node.lineno
        for node in ast.walk(function)
        if isinstance(node, Writing)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if variable in ast.unparse(target).partition("[")[0].replace("(", "").replace(")", "").split(", ")
    ]
    return max(lines, default=0)


def changing(source: Source, written: Written, argument: str) -> int | None:
    """Return the line of a layer that changes an argument in place."""
    for part in source.parts(written.names):
        for node in ast.walk(part):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for target in targets:
                in_place = isinstance(node, ast.AugAssign) or isinstance(target, ast.Subscript)
                if in_place and target is not None and ast.unparse(target).partition("[")[0] == argument:
                    return int(node.lineno)  # type: ignore[attr-defined]
    return None
