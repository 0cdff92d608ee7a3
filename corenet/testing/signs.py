"""The search for a wrong sign: a component's own backward, with one sign of its source turned round."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import FunctionType, MethodType

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.testing.source import methods_of, owner_of

MOST = 40
SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return)


def wrong_sign(subject: Module | Loss, name: str, is_right: Callable[[], bool]) -> str:
    """Return, in two lines, that the gradient of ``name`` is right with one sign turned round, and where; or nothing.

    ``is_right`` tells whether the gradient that ``subject`` gives, as it then stands, is the right one.
    """
    first, _ = owner_of(subject, name)
    others = [each for _, each in subject.named_modules() if each is not first] if isinstance(subject, Module) else []
    turned = ((owner, *each) for owner in (first, *others) for each in _turned(owner))
    for owner, method, line, function in islice(turned, MOST):
        with _replaced(owner, method, function):
            if is_right():
                return f"the sign is wrong: with one sign of this line turned round, ours is right\n{line}"
    return ""


def _turned(owner: Module | Loss) -> Iterator[tuple[str, str, FunctionType]]:
    """Yield the methods that compute gradients with each of their signs turned round, and the line of that sign."""
    for name, method in methods_of(owner):
        original = inspect.unwrap(getattr(type(owner), name))
        if original.__closure__ or not _is_definition(method.tree):
            continue  # what closes over other variables, as super() does, can't be built again, nor a lambda
        for statement, place in _signs(method.tree):
            tree = method.tree
            _turn(list(ast.walk(tree))[place])
            yield name, method.line(statement), _built(tree, original)


def _is_definition(tree: ast.Module) -> bool:
    return len(tree.body) == 1 and isinstance(tree.body[0], ast.FunctionDef)


def _signs(tree: ast.AST) -> Iterator[tuple[ast.stmt, int]]:
    """Yield the simple statements that have a plus or minus, and its place among the nodes of the tree."""
    nodes = list(ast.walk(tree))
    for statement in (node for node in nodes if isinstance(node, SIMPLE)):
        yield from ((statement, nodes.index(node)) for node in ast.walk(statement) if _is_sign(node))


def _is_sign(node: ast.AST) -> bool:
    return isinstance(getattr(node, "op", None), (ast.Add, ast.Sub, ast.USub))


def _turn(node: ast.AST) -> None:
    turned = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.USub: ast.UAdd}
    node.op = turned[type(node.op)]()  # type: ignore[attr-defined]


def _built(tree: ast.Module, original: FunctionType) -> FunctionType:
    """Return the function that a syntax tree defines, in the surroundings of the original one."""
    for node in tree.body:
        node.decorator_list = []  # type: ignore[attr-defined]
    space: dict[str, FunctionType] = {}
    exec(compile(tree, original.__code__.co_filename, "exec"), original.__globals__, space)  # noqa: S102 - its own code
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
