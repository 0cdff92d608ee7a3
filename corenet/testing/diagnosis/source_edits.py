"""The search for a slip of the pen: a component's own source with one sign or one dimension of it changed."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import FunctionType, MethodType
from typing import NamedTuple

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.testing.diagnosis.method_source import method_of
from corenet.testing.diagnosis.source_lines import methods_of, owner_of

MOST = 60
SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return)
TURNED = {ast.Add: ast.Sub, ast.Sub: ast.Add}
ALONG = frozenset({"sum", "mean", "prod", "amax", "amin", "cumsum", "flip", "softmax", "log_softmax"})
DIMENSIONS = (-1, 0, 1, -2)


class Edit(NamedTuple):
    """A part of a syntax tree, what to put in its place, and what it means where that is right."""

    old: ast.AST
    new: ast.AST
    meaning: str


def one_edit_away(
    subject: Module | Loss, name: str, is_right: Callable[[], bool], edits: Callable[[ast.AST], Iterator[Edit]]
) -> str:
    """Return, in two lines, which edit of the source makes the gradient of ``name`` right, and where; or nothing.

    ``is_right`` tells whether the gradient that ``subject`` gives, as it then stands, is the right one,
    and ``edits`` what to try on a part of the source: :func:`changed` or :func:`minus_added`.
    """
    first, _ = owner_of(subject, name)
    others = [each for _, each in subject.named_modules() if each is not first] if isinstance(subject, Module) else []
    edited = ((owner, *each) for owner in (first, *others) for each in _edited(owner, edits))
    for owner, method, function, meaning in islice(edited, MOST):
        with _replaced(owner, method, function):
            if is_right():
                return meaning
    return ""


def changed(node: ast.AST) -> Iterator[Edit]:
    """Yield what turns a sign round, and what sums or turns along another dimension."""
    yield from _signs(node)
    yield from _dimensions(node)


def minus_added(node: ast.AST) -> Iterator[Edit]:
    """Yield a minus before each argument of a call."""
    for argument in _arguments(node) if isinstance(node, ast.Call) else []:
        meaning = f"the sign is wrong: a minus before {ast.unparse(argument)} in this line makes it right"
        if isinstance(argument, (ast.Name, ast.Attribute, ast.Call, ast.Constant)):
            yield Edit(argument, ast.UnaryOp(ast.USub(), argument), meaning)


def _edited(
    owner: Module | Loss, edits: Callable[[ast.AST], Iterator[Edit]]
) -> Iterator[tuple[str, FunctionType, str]]:
    """Yield the name of a method that has to do with gradients, the method edited, and what the edit means."""
    methods = dict(methods_of(owner))
    if forward := method_of(type(owner), "forward"):
        methods["forward"] = forward
    for name, method in methods.items():
        original, tree = inspect.unwrap(getattr(type(owner), name)), method.tree
        if original.__closure__ or not _is_definition(tree):
            continue  # what closes over other variables, as super() does, can't be built again, nor a lambda
        for statement in _statements(tree, only_saving=name == "forward"):
            line = method.line(statement)
            for edit in [found for node in ast.walk(statement) for found in edits(node)]:
                yield name, _built(tree, edit, original), f"{edit.meaning}\n{line}"


def _signs(node: ast.AST) -> Iterator[Edit]:
    meaning = "the sign is wrong: flipping one sign in this line makes it right"
    if isinstance(node, ast.BinOp) and (turned := TURNED.get(type(node.op))):
        yield Edit(node, ast.BinOp(node.left, turned(), node.right), meaning)
    elif isinstance(node, ast.AugAssign) and (turned := TURNED.get(type(node.op))):
        yield Edit(node, ast.AugAssign(node.target, turned(), node.value), meaning)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield Edit(node, node.operand, meaning)


def _dimensions(node: ast.AST) -> Iterator[Edit]:
    if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] not in ALONG:
        return
    for argument in _arguments(node):
        given = ast.unparse(argument)
        if not given.removeprefix("-").isdigit():
            continue
        for wanted in map(str, DIMENSIONS):
            meaning = f"wrong dimension: {wanted} in the place of {given} in this line makes it right"
            if wanted != given:
                yield Edit(argument, ast.parse(wanted, mode="eval").body, meaning)


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _is_definition(tree: ast.Module) -> bool:
    return len(tree.body) == 1 and isinstance(tree.body[0], ast.FunctionDef)


def _statements(tree: ast.AST, only_saving: bool) -> list[ast.stmt]:
    """Return the simple statements; of ``forward`` those that save alone, for the rest is what it is."""
    simple = [node for node in ast.walk(tree) if isinstance(node, SIMPLE)]
    return [each for each in simple if not only_saving or ast.unparse(each).startswith("self.save(")]


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else self.generic_visit(node)


def _built(tree: ast.Module, edit: Edit, original: FunctionType) -> FunctionType:
    """Return the function that the edited tree defines, in the surroundings of the original one."""
    tree.body[0].decorator_list = []  # type: ignore[attr-defined]
    _Replace(edit.old, edit.new).visit(tree)
    space: dict[str, FunctionType] = {}
    try:
        code = compile(ast.fix_missing_locations(tree), original.__code__.co_filename, "exec")
    finally:
        _Replace(edit.new, edit.old).visit(tree)
    exec(code, original.__globals__, space)  # noqa: S102 - its own code
    (function,) = space.values()
    return function


@contextmanager
def _replaced(owner: Module | Loss, name: str, function: FunctionType) -> Iterator[None]:
    """Put ``function`` in the place of a method, of this one instance."""
    object.__setattr__(owner, name, MethodType(function, owner))
    try:
        yield
    finally:
        object.__delattr__(owner, name)
