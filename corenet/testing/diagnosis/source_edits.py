"""The search for a one-edit fix: the component's own source with one sign, dimension or part of a formula changed."""

from __future__ import annotations

import ast
import inspect
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from types import FunctionType, MethodType
from typing import NamedTuple

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.testing.diagnosis.diagnosis import Diagnosis
from corenet.testing.diagnosis.method_source import Method, method_of
from corenet.testing.diagnosis.source_lines import methods_of, owner_of

MAX_EDITS = 300
Edits = Callable[[ast.AST, Sequence[str]], Iterator["Edit"]]
SIGN, DIMENSION = "source.sign", "source.dimension"
SIMPLE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Return)
FLIPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add}
ALONG = frozenset({"sum", "mean", "prod", "amax", "amin", "cumsum", "flip", "softmax", "log_softmax"})
DIMENSIONS = (-1, 0, 1, -2)


class Edit(NamedTuple):
    """A node of a syntax tree, its replacement, and what it means if the replacement is right."""

    old: ast.AST
    new: ast.AST
    code: str
    meaning: str


# A function after one edit of its source, the edit, what it means if that is right, and the number of the line.
Edited = tuple[FunctionType, Edit, Diagnosis, int]


def one_edit_away(
    subject: Module | Loss, name: str, is_right: Callable[[], bool], edits: Edits, until: float = math.inf
) -> Diagnosis | None:
    """Return which edit of the source makes the gradient of ``name`` right, and in which line; None if none does.

    ``is_right`` tells whether ``subject``, as edited, gives the right gradient;
    ``edits`` yields the edits to try on a node, given the variables of the method: :func:`changed`,
    :func:`minus_added`, or those of ``source_repairs``. The search ends at ``until``, of the monotonic clock.
    """
    first, _ = owner_of(subject, name)
    others = [each for _, each in subject.named_modules() if each is not first] if isinstance(subject, Module) else []
    edited = ((owner, *each) for owner in (first, *others) for each in _edited(owner, edits))
    for owner, method, function, diagnosis in islice(edited, MAX_EDITS):
        if time.monotonic() > until:
            return None
        with _replaced(owner, method, function):
            if is_right():
                return diagnosis
    return None


def changed(node: ast.AST, _: Sequence[str]) -> Iterator[Edit]:
    """Yield edits that flip a sign, and those that reduce or flip along another dimension."""
    yield from _signs(node)
    yield from _dimensions(node)


def minus_added(node: ast.AST, _: Sequence[str]) -> Iterator[Edit]:
    """Yield edits that put a minus before an argument of a call."""
    for argument in _arguments(node) if isinstance(node, ast.Call) else []:
        meaning = f"the sign is wrong: a minus before {ast.unparse(argument)} in this line makes it right"
        if isinstance(argument, (ast.Name, ast.Attribute, ast.Call, ast.Constant)):
            yield Edit(argument, ast.UnaryOp(ast.USub(), argument), SIGN, meaning)


def _edited(owner: Module | Loss, edits: Edits) -> Iterator[tuple[str, FunctionType, Diagnosis]]:
    """Yield the name of a method that takes part in the gradient, the edited method, and what the edit means."""
    methods = dict(methods_of(owner))
    if forward := method_of(type(owner), "forward"):
        methods["forward"] = forward
    for name, method in methods.items():
        original = inspect.unwrap(getattr(type(owner), name))
        for function, _, diagnosis, _ in edited(original, method, edits, only_saving=name == "forward"):
            yield name, function, diagnosis


def edited(
    original: FunctionType, source: Method, edits: Edits, only_saving: bool = False, first: int | None = None
) -> Iterator[Edited]:
    """Yield a function once for each edit of its source, with the edit, what it means and the number of its line.

    ``only_saving`` leaves statements out that save nothing for a backward; the line ``first`` is edited first.
    """
    tree = source.tree
    if original.__closure__ or not _is_definition(tree):
        return  # neither a closure, as super() makes one, nor a lambda can be compiled again
    variables = _variables(tree)
    for statement in sorted(_statements(tree, only_saving), key=lambda each: source.number(each) != first):
        line = source.line(statement)
        for edit in [found for node in _read(statement) for found in edits(node, variables)]:
            meant = Diagnosis(edit.code, edit.meaning, line)
            yield _built(tree, edit, original), edit, meant, source.number(statement)


def _signs(node: ast.AST) -> Iterator[Edit]:
    meaning = "the sign is wrong: flipping one sign in this line makes it right"
    if isinstance(node, ast.BinOp) and (flipped := FLIPPED.get(type(node.op))):
        yield Edit(node, ast.BinOp(node.left, flipped(), node.right), SIGN, meaning)
    elif isinstance(node, ast.AugAssign) and (flipped := FLIPPED.get(type(node.op))):
        yield Edit(node, ast.AugAssign(node.target, flipped(), node.value), SIGN, meaning)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield Edit(node, node.operand, SIGN, meaning)


def _dimensions(node: ast.AST) -> Iterator[Edit]:
    if not isinstance(node, ast.Call) or ast.unparse(node.func).rpartition(".")[2] not in ALONG:
        return
    for argument in _arguments(node):
        given = ast.unparse(argument)
        several = [ast.unparse(each) for each in argument.elts] if isinstance(argument, ast.Tuple) else []
        if not all(each.removeprefix("-").isdigit() for each in several or [given]):
            continue
        for wanted in several or map(str, DIMENSIONS):
            meaning = f"wrong dimension: {wanted} in the place of {given} in this line makes it right"
            if wanted != given:
                yield Edit(argument, ast.parse(wanted, mode="eval").body, DIMENSION, meaning)


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _is_definition(tree: ast.Module) -> bool:
    return len(tree.body) == 1 and isinstance(tree.body[0], ast.FunctionDef)


def _statements(tree: ast.AST, only_saving: bool) -> list[ast.stmt]:
    """Return the simple statements; of ``forward`` only those that save, because its values are right by definition."""
    simple = [node for node in ast.walk(tree) if isinstance(node, SIMPLE)]
    return [each for each in simple if not only_saving or ast.unparse(each).startswith("self.save(")]


def _read(statement: ast.stmt) -> list[ast.AST]:
    """Return the nodes of a statement without those of what it writes to: an edit there would only undo it."""
    written = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", statement)]
    targets = {id(node) for each in written if each is not statement for node in ast.walk(each)}
    return [node for node in ast.walk(statement) if id(node) not in targets]


def _variables(tree: ast.AST) -> list[str]:
    """Return the names of a method's arguments and of what it assigns, without ``self``."""
    arguments = [node.arg for node in ast.walk(tree) if isinstance(node, ast.arg) and node.arg != "self"]
    assigned = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return list(dict.fromkeys(arguments + assigned))


def _exchange(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """Put a node in the place of another one of the tree."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
                return
            if isinstance(value, list) and any(each is old for each in value):
                setattr(parent, field, [new if each is old else each for each in value])
                return


def _built(tree: ast.Module, edit: Edit, original: FunctionType) -> FunctionType:
    """Return the function that the edited tree defines, in the namespace of the original one."""
    tree.body[0].decorator_list = []  # type: ignore[attr-defined]
    _exchange(tree, edit.old, ast.fix_missing_locations(ast.copy_location(edit.new, edit.old)))
    space: dict[str, FunctionType] = {}
    try:
        code = compile(tree, original.__code__.co_filename, "exec")
    finally:
        _exchange(tree, edit.new, edit.old)
    exec(code, original.__globals__, space)  # noqa: S102 - the component's own code
    (function,) = space.values()
    return function


@contextmanager
def _replaced(owner: Module | Loss, name: str, function: FunctionType) -> Iterator[None]:
    """Replace a method of this one instance by ``function``."""
    object.__setattr__(owner, name, MethodType(function, owner))
    try:
        yield
    finally:
        object.__delattr__(owner, name)
