"""The mutations of a source file: each an operator, a constant, a condition or a statement, changed in place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
OPERATORS = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.Pow: "*", ast.FloorDiv: "*", ast.Mod: "*",
    ast.BitAnd: "|",
}  # fmt: skip
DELETED = (ast.AugAssign, ast.Raise, ast.Continue, ast.Break)
# What is only shown, and what only chooses on which numbers a component is tried.
LEFT_OUT = {"__repr__", "_repr_html_", "conformance_cases"}


Changed = ast.expr | ast.stmt


@dataclass(frozen=True)
class Edit:
    """The bytes from ``begin`` to ``end`` of a file, in ``line``, put in the place of ``old``."""

    line: int
    begin: int
    end: int
    old: str
    new: str

    def applied(self, source: bytes) -> bytes:
        """Return the source with the change in it."""
        return source[: self.begin] + self.new.encode() + source[self.end :]


def edits(source: bytes) -> list[Edit]:
    """Return every mutation of a file, in its order."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def edit(node: Changed, new: str) -> Edit:
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        return Edit(node.lineno, begin, end, source[begin:end].decode(), new)

    found = [edit(node, new) for node, new in _changes(ast.parse(source))]
    return sorted({(each.begin, each.new): each for each in found if each.old != each.new}.values(), key=_place)


def _place(edit: Edit) -> tuple[int, int, str]:
    return edit.begin, edit.end, edit.new


def _changes(node: ast.AST) -> Iterator[tuple[Changed, str]]:
    """Yield each part that is changed, with its new text."""
    for child in _parts(node):
        if isinstance(child, ast.stmt):
            yield from _of_statement(child)
        elif isinstance(child, ast.expr):
            yield from _of_expression(child)
        yield from _changes(child)


def _parts(node: ast.AST) -> list[ast.AST]:
    """Return what is changed within a node: no annotation, no decorator, and nothing that is only said."""
    if isinstance(node, ast.Raise | ast.JoinedStr):
        return []
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return []
    if isinstance(node, ast.AnnAssign):
        return [node.value] if node.value is not None else []
    if isinstance(node, ast.FunctionDef):
        given = [*node.args.defaults, *(each for each in node.args.kw_defaults if each is not None)]
        return [] if node.name in LEFT_OUT else [*given, *node.body]
    return [*node.body] if isinstance(node, ast.ClassDef) else [*ast.iter_child_nodes(node)]


def _of_statement(node: ast.stmt) -> Iterator[tuple[Changed, str]]:
    if isinstance(node, DELETED) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield node, "pass"
    elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        yield node, "return None"
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
        yield node.value, "None"
    if isinstance(node, ast.If | ast.While) and ast.unparse(node.test) != "TYPE_CHECKING":
        yield node.test, f"not ({ast.unparse(node.test)})"


def _of_expression(node: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
        yield node, f"({left} {COMPARISONS[type(node.ops[0])]} {right})"
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield node, f"(({ast.unparse(node.left)}) {OPERATORS[type(node.op)]} ({ast.unparse(node.right)}))"
    elif isinstance(node, ast.BoolOp):
        word = " or " if isinstance(node.op, ast.And) else " and "
        yield node, f"({word.join(f'({ast.unparse(each)})' for each in node.values)})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node, f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.IfExp):
        yield node, f"({ast.unparse(node.orelse)} if {ast.unparse(node.test)} else {ast.unparse(node.body)})"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield node, repr(node.value + 1)
