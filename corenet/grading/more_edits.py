"""Edits of a formula beside those of the kit: what is overwritten added to, what stands alone taken from a term."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from corenet.testing.diagnosis.source_edits import Edit
from corenet.testing.diagnosis.source_repairs import EXPRESSION


def added_to(node: ast.AST, _: Sequence[str]) -> Iterator[Edit]:
    """Yield edits that add to what a statement overwrites, or take from it."""
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript | ast.Attribute):
        for operator in (ast.Add(), ast.Sub()):
            yield Edit(node, ast.AugAssign(node.targets[0], operator, node.value), EXPRESSION, "")


def preceded(node: ast.AST, variables: Sequence[str]) -> Iterator[Edit]:
    """Yield edits that put a term before what is computed from others: ``x − node``."""
    if isinstance(node, ast.BinOp | ast.Call) and not ast.unparse(node).startswith(("self.save(", "self.saved(")):
        for name in variables:
            yield Edit(node, ast.BinOp(ast.Name(name, ast.Load()), ast.Sub(), node), EXPRESSION, "")
