"""The mutations: each operator, term, factor, axis, ``+=``, saved tensor, constant and comparison, changed in turn."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import NamedTuple

SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return)
REDUCING = {"sum", "mean", "cumsum", "flip", "softmax", "log_softmax", "max", "unsqueeze", "cat", "transpose"}
COUNTERPARTS = {
    "sin": "cos", "cos": "sin", "sinh": "cosh", "cosh": "sinh", "exp": "log1p", "log": "exp", "tanh": "sigmoid",
    "sigmoid": "tanh", "sqrt": "square", "sum": "mean", "mean": "sum",
}  # fmt: skip
COMPARISONS = {ast.Gt: ast.Lt, ast.Lt: ast.Gt, ast.GtE: ast.LtE, ast.LtE: ast.GtE}


class Edit(NamedTuple):
    """A changed statement: its kind of change, the lines it stands in, and its new text."""

    kind: str
    first: int
    last: int
    text: str


def edits(method: ast.FunctionDef, only_saving: bool = False) -> Iterator[Edit]:
    """Yield every mutation of a method; of ``forward`` only those of what it saves."""
    statements = [each for each in ast.walk(method) if isinstance(each, SIMPLE) and not _is_docstring(each)]
    saved = _saved(method)
    for statement in statements:
        if only_saving and "self.save(" not in ast.unparse(statement):
            continue
        for kind, changed in _changed(statement, saved):
            yield Edit(kind, statement.lineno, statement.end_lineno or statement.lineno, ast.unparse(changed))


def _changed(statement: ast.stmt, saved: list[str]) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the kind of each change with the statement after it."""
    for place, node in enumerate(ast.walk(statement)):
        for kind, new in _replacements(node, saved, statement):
            other = copy.deepcopy(statement)
            old = list(ast.walk(other))[place]
            yield kind, _replaced(other, old, new)
    if isinstance(statement, ast.AugAssign):
        yield "assigned", ast.Assign([statement.target], statement.value, lineno=statement.lineno)
        if "grad" in ast.unparse(statement.target):
            yield "deleted", ast.Pass()
    if isinstance(statement, ast.Return) and statement.value is not None:
        yield "sign", ast.Return(ast.UnaryOp(ast.USub(), statement.value))


def _replacements(node: ast.AST, saved: list[str], statement: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.BinOp):
        yield from _of_operator(node)
    elif isinstance(node, ast.AugAssign):
        flipped = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}[type(node.op)]
        yield "sign", ast.AugAssign(node.target, flipped(), node.value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
        yield "sign", node.operand
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        yield "comparison", ast.Compare(node.left, [COMPARISONS[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.Call):
        yield from _of_call(node, saved)
    elif isinstance(node, ast.Attribute) and node.attr in ("T",):
        yield "transpose", node.value
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in saved:
        if not isinstance(statement, ast.Assign) or "self.saved" not in ast.unparse(statement):
            yield from (("saved", ast.Name(other, ast.Load())) for other in saved if other != node.id)
    elif isinstance(node, ast.Slice) and (node.lower or node.upper):
        yield "slice", ast.Slice(node.upper and ast.Constant(1), node.lower and ast.Constant(-1))


def _of_operator(node: ast.BinOp) -> Iterator[tuple[str, ast.AST]]:
    left, right, op = node.left, node.right, node.op
    if isinstance(op, ast.Add | ast.Sub):
        yield "sign", ast.BinOp(left, ast.Sub() if isinstance(op, ast.Add) else ast.Add(), right)
        yield "term", left
        yield "term", right
    elif isinstance(op, ast.Mult | ast.Div):
        yield "operator", ast.BinOp(left, ast.Div() if isinstance(op, ast.Mult) else ast.Mult(), right)
        yield "factor", left
        if isinstance(op, ast.Mult):
            yield "factor", right
    elif isinstance(op, ast.MatMult):
        yield "operator", ast.BinOp(right, ast.MatMult(), left)
    elif isinstance(op, ast.Pow):
        yield "exponent", left
        yield "exponent", ast.BinOp(left, ast.Pow(), ast.BinOp(right, ast.Add(), ast.Constant(1)))
    for side, other in ((left, "right"), (right, "left")):
        if isinstance(side, ast.Constant) and isinstance(side.value, int | float) and not isinstance(op, ast.Pow):
            yield "constant", _with(node, other, ast.Constant(side.value * 2))
            yield "constant", _with(node, other, ast.Constant(side.value + 1))


def _with(node: ast.BinOp, kept: str, constant: ast.Constant) -> ast.BinOp:
    if kept == "right":
        return ast.BinOp(constant, node.op, node.right)
    return ast.BinOp(node.left, node.op, constant)


def _of_call(node: ast.Call, saved: list[str]) -> Iterator[tuple[str, ast.AST]]:
    name = ast.unparse(node.func).rpartition(".")[2]
    if name in COUNTERPARTS:
        counterpart = copy.deepcopy(node)
        assert isinstance(counterpart.func, ast.Attribute)
        counterpart.func.attr = COUNTERPARTS[name]
        yield "function", counterpart
    if name in REDUCING:
        for place, argument in enumerate(node.args):
            if (given := ast.unparse(argument)) in ("0", "1", "-1", "-2"):
                for wanted in {"0": (1, -1), "1": (0,), "-1": (0,), "-2": (-1, 0)}[given]:
                    yield "axis", ast.Call(node.func, _put(node.args, place, wanted), node.keywords)
        for keyword in node.keywords:
            if keyword.arg in ("keepdim", "keepdims"):
                yield "axis", ast.Call(node.func, node.args, [])
    if name == "clamp":
        yield "function", node.func.value if isinstance(node.func, ast.Attribute) else node
    if name == "save" and len(node.args) > 1:
        for place in range(len(node.args)):
            others = [each for at, each in enumerate(node.args) if at != place]
            yield "saved", ast.Call(node.func, [*node.args[:place], others[0], *node.args[place + 1 :]], [])
    elif name == "save":
        other = "input" if ast.unparse(node.args[0]) != "input" else "-input"
        yield "saved", ast.Call(node.func, [ast.parse(other, mode="eval").body], [])


def _put(arguments: list[ast.expr], place: int, number: int) -> list[ast.expr]:
    return [*arguments[:place], ast.parse(str(number), mode="eval").body, *arguments[place + 1 :]]


def _replaced(tree: ast.stmt, old: ast.AST, new: ast.AST) -> ast.stmt:
    """Return the statement with one node of it replaced."""

    class Replace(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return copy.deepcopy(new) if node is old else self.generic_visit(node)

    found: ast.stmt = Replace().visit(tree)
    return found


def _saved(method: ast.FunctionDef) -> list[str]:
    """Return the names that a method unpacks ``self.saved()`` or a cache into, or its arguments where it does not."""
    for node in ast.walk(method):
        if isinstance(node, ast.Assign) and ast.unparse(node.value) in ("self.saved()", "cache"):
            return [each.id for each in ast.walk(node.targets[0]) if isinstance(each, ast.Name)]
    return [each.arg for each in method.args.args if each.arg in ("input", "target")]


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
