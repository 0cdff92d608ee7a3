"""Which misconception it shows that one edit of a formula makes it right."""

from __future__ import annotations

import ast

from corenet.testing.diagnosis.source_edits import DIMENSION, SIGN, Edit

WITH_ANOTHER: dict[type[ast.operator], str] = {  # what an operator puts in that was not there
    ast.Add: "term_forgotten",
    ast.Sub: "term_forgotten",
    ast.Mult: "factor_forgotten",
    ast.Div: "division_forgotten",
    ast.Pow: "square_forgotten",
}
REDUCING = {"sum": "sum_instead_of_mean", "mean": "mean_instead_of_sum"}  # that stands where the other belongs


def misconception_of(edit: Edit) -> str:
    """Return the misconception behind an expression that is right after the edit.

    >>> old, new = (ast.parse(text, mode="eval").body for text in ("x * y", "x / y"))
    >>> misconception_of(Edit(old, new, "", ""))
    'scale_inverted'
    """
    if edit.code in (SIGN, DIMENSION):
        return "wrong_sign" if edit.code == SIGN else "wrong_axis"
    old, new = edit.old, edit.new
    if isinstance(new, ast.AugAssign):
        return "overwritten"
    if isinstance(new, ast.BinOp) and old in (new.left, new.right):
        return WITH_ANOTHER[type(new.op)]
    if isinstance(new, ast.BinOp):
        return "scale_inverted"
    if isinstance(new, ast.Call) and isinstance(old, ast.Call) and isinstance(old.func, ast.Attribute):
        return REDUCING.get(old.func.attr, "other_function")
    if isinstance(new, ast.Compare):
        return "mask_reversed"
    if isinstance(new, ast.Constant):
        return "wrong_number"
    return "wrong_variable" if isinstance(new, ast.Name) else "wrong_expression"
