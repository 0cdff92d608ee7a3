"""Edits of a formula beyond its signs: another variable, operator, function or number, a part that is missing."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from corenet.testing.diagnosis.source_edits import Edit

EXPRESSION = "source.expression"
OPERATORS = {ast.Mult: ast.Div, ast.Div: ast.Mult}
RELATIONS = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
SAVING = ("self.save", "self.saved")
# Functions that are taken for each other.
PAIRS = (("sum", "mean"), ("sin", "cos"), ("sinh", "cosh"), ("tanh", "sigmoid"), ("exp", "log"))
COUNTERPARTS = {first: second for pair in PAIRS for first, second in (pair, pair[::-1])}


def repaired(node: ast.AST, variables: Sequence[str]) -> Iterator[Edit]:
    """Yield edits that change one variable, operator, function, relation or number of a formula."""
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield _edit(node, ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right))
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in RELATIONS:
        yield _edit(node, ast.Compare(node.left, [RELATIONS[type(node.ops[0])]()], node.comparators))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in COUNTERPARTS:
        counterpart = ast.Attribute(node.func.value, COUNTERPARTS[node.func.attr], ast.Load())
        yield _edit(node, ast.Call(counterpart, node.args, node.keywords))
    elif _is_variable(node, variables):
        yield from (_edit(node, ast.Name(name, ast.Load())) for name in variables if name != ast.unparse(node))
    if not isinstance(node, ast.Compare):
        yield from _numbers(node)


def compared(node: ast.AST, _: Sequence[str]) -> Iterator[Edit]:
    """Yield edits that change a number of a comparison.

    They are for the end: a branch that no element takes any more hides what is wrong in it.
    """
    if isinstance(node, ast.Compare):
        yield from _numbers(node)


def _numbers(node: ast.AST) -> Iterator[Edit]:
    """Yield edits of the numbers of which a node is made."""
    for child in ast.iter_child_nodes(node):
        value = child.value if isinstance(child, ast.Constant) else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            for number in dict.fromkeys((2 * value, value / 2, value + 1, value - 1, 1)):
                if number != value:
                    yield _edit(child, ast.Constant(int(number) if number == int(number) else number))


def extended(node: ast.AST, variables: Sequence[str]) -> Iterator[Edit]:
    """Yield edits that put in what may be missing: a square, a factor, a divisor, a term."""
    if not isinstance(node, ast.BinOp | ast.Call | ast.Name | ast.Attribute) or not _is_value(node, variables):
        return
    one = ast.Constant(1)
    yield _edit(node, ast.BinOp(node, ast.Pow(), ast.Constant(2)))
    yield _edit(node, ast.BinOp(one, ast.Sub(), node))
    yield _edit(node, ast.BinOp(one, ast.Add(), node))
    yield _edit(node, ast.BinOp(node, ast.Sub(), one))
    for operator in (ast.Mult, ast.Div, ast.Add, ast.Sub):
        yield from (_edit(node, ast.BinOp(node, operator(), ast.Name(name, ast.Load()))) for name in variables)


def _edit(old: ast.expr | ast.AST, new: ast.expr) -> Edit:
    meaning = f"{ast.unparse(new)} in the place of {ast.unparse(old)} in this line makes it right"
    return Edit(old, new, EXPRESSION, meaning)


def _is_variable(node: ast.AST, variables: Sequence[str]) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in variables


def _is_value(node: ast.AST, variables: Sequence[str]) -> bool:
    """Tell whether a node is a part of a formula, not the name of a function or a target."""
    if isinstance(node, ast.Name):
        return _is_variable(node, variables)
    text = ast.unparse(node)
    if isinstance(node, ast.Attribute):
        return isinstance(node.ctx, ast.Load) and text.startswith("self.") and text not in SAVING
    return not text.startswith(tuple(f"{each}(" for each in SAVING))
