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
PAIRS = (
    ("sum", "mean"),
    ("sin", "cos"),
    ("sinh", "cosh"),
    ("tanh", "sigmoid"),
    ("exp", "log"),
    ("scatter", "scatter_add"),
)
# Methods that may be one too many.
LEFT_OUT = frozenset({"flip", "exp", "abs", "sqrt", "square", "round", "transpose", "t", "tanh", "sigmoid", "log"})
TINY = 0.01
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
    yield from _without_function(node)


def completed(node: ast.AST, variables: Sequence[str]) -> Iterator[Edit]:
    """Yield edits that put in a square, 1 ± a part, a transposition, a reversal, an exponential."""
    if isinstance(node, ast.BinOp | ast.Call | ast.Name | ast.Attribute) and _is_value(node, variables):
        one = ast.Constant(1)
        yield _edit(node, ast.BinOp(node, ast.Pow(), ast.Constant(2)))
        yield _edit(node, ast.BinOp(one, ast.Sub(), node))
        yield _edit(node, ast.BinOp(one, ast.Add(), node))
        yield _edit(node, ast.BinOp(node, ast.Sub(), one))
        yield _edit(node, ast.Attribute(node, "mT", ast.Load()))
        if isinstance(node, ast.Name):
            yield _edit(node, ast.Call(ast.Attribute(node, "flip", ast.Load()), [ast.UnaryOp(ast.USub(), one)], []))
            yield _edit(node, ast.Call(ast.Attribute(node, "exp", ast.Load()), [], []))


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
            tiny = (0,) if 0 < abs(value) < TINY else ()  # as an eps is
            for number in dict.fromkeys((2 * value, value / 2, value + 1, value - 1, 1, 3 * value, *tiny)):
                if number != value:
                    yield _edit(child, ast.Constant(int(number) if number == int(number) else number))


def extended(node: ast.AST, variables: Sequence[str]) -> Iterator[Edit]:
    """Yield edits that put in a variable that may be missing: a factor, a divisor, a term."""
    if not isinstance(node, ast.BinOp | ast.Call | ast.Name | ast.Attribute) or not _is_value(node, variables):
        return
    for operator in (ast.Mult, ast.Div, ast.Add, ast.Sub):
        yield from (_edit(node, ast.BinOp(node, operator(), ast.Name(name, ast.Load()))) for name in variables)


def _without_function(node: ast.AST) -> Iterator[Edit]:
    """Yield edits that leave out a transposition, or a function of one tensor."""
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        yield _edit(node, node.value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.keywords:
        of_torch = ast.unparse(node.func.value) == "torch"
        if of_torch and len(node.args) == 1:
            yield _edit(node, node.args[0])
        elif not of_torch and node.func.attr in LEFT_OUT:
            yield _edit(node, node.func.value)


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
