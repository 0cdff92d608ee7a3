"""Where a gradient is computed: the line of ``backward`` that a reader should look at."""

from __future__ import annotations

import ast
import inspect
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from corenet.contracts.elementwise_loss import ElementwiseLoss
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.testing.diagnosis.method_source import Method, method_of, short_path, shortened

BUILTIN = "corenet.builtin."
SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr, ast.Return)
Choice = Callable[[ast.AST], list[ast.stmt]]


def where(subject: Module | Loss, name: str) -> str:
    """Return the line of the source that computes the gradient of ``name``, such as ``"input"``.

    For the input it is the ``return`` of ``backward``, for a parameter the line that writes its
    ``.grad``, or the whole of ``backward`` where no line does; an :class:`~corenet.ElementwiseLoss`
    has ``derivative`` instead. Methods that ``backward`` calls are searched too, and a parameter of a
    submodule is searched there, but for a built-in one, which is right: there it is the line that hands it its
    upstream gradient. An empty string if the source is not available.

    >>> import corenet as cn
    >>> where(cn.Tanh(), "input").partition(":")[0]
    'corenet/builtin/activations.py'
    """
    owner, attribute = owner_of(subject, name)
    if attribute == "input":
        return _place(owner, _written(owner)[:1], _returns)
    if type(owner).__module__.startswith(BUILTIN) and (line := _handed_on(subject, name)):
        return line
    return _place(owner, _written(owner), lambda tree: _writers(tree, attribute))


def raised_at(error: BaseException, subject: Callable[..., Any]) -> str:
    """Return the last line of a component's own source in an error's traceback; an empty string if there is none."""
    paths = own_sources(subject)
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in paths]
    return f"{paths[lines[-1].filename]}:{lines[-1].lineno}: {shortened(lines[-1].line or '')}" if lines else ""


def own_sources(subject: Callable[..., Any]) -> dict[str | None, str]:
    """Return the files that a component is written in, each with its path as shown."""
    own = [each for each in inspect.getmro(subject) if _is_own(each)] if isinstance(subject, type) else [subject]
    return {inspect.getsourcefile(each): short_path(each) for each in own if _has_source(each)}


def methods_of(owner: Module | Loss) -> Iterator[tuple[str, Method]]:
    """Yield, by name, the methods that compute the gradients of a component, and those that they call."""
    written = _written(owner)
    called = [name for each in written if (found := method_of(type(owner), each)) for name in _called(found.tree)]
    for name in dict.fromkeys(written + called):
        if found := method_of(type(owner), name):
            yield name, found


def owner_of(subject: Module | Loss, name: str) -> tuple[Module | Loss, str]:
    """Return the component, or the submodule of it, that has the tensor of that path, and the tensor's name there."""
    if isinstance(subject, Loss):
        return subject, name
    owners = [each for each in subject.named_modules() if not each[0] or name.startswith(f"{each[0]}.")]
    path, owner = max(owners, key=lambda each: len(each[0]))
    return owner, name.removeprefix(f"{path}.").partition(".")[0]


def _handed_on(subject: Module | Loss, name: str) -> str:
    """Return the line of the component's own source that runs the part backward which has the tensor of that path."""
    if isinstance(subject, Loss):
        return ""
    own = [each for each in subject.named_modules() if type(each[1]).__module__ == type(subject).__module__]
    path, owner = max((each for each in own if name.startswith(each[0])), key=lambda each: len(each[0]))
    part = name.removeprefix(f"{path}.").partition(".")[0]
    method = method_of(type(owner), "backward")
    nodes = ast.walk(method.tree) if method else ()
    calling = [node for node in nodes if isinstance(node, SIMPLE) and f"self.{part}.backward(" in ast.unparse(node)]
    return method.line(calling[-1]) if method and calling else ""


def _written(owner: Module | Loss) -> list[str]:
    """Return the methods that an author writes for the gradient."""
    if isinstance(owner, Loss):
        return ["derivative" if isinstance(owner, ElementwiseLoss) else "backward"]
    return ["backward", "backward_parameters"]


def _place(owner: object, names: list[str], choice: Choice) -> str:
    """Return the last chosen statement in the methods of those names, or in the methods that they call."""
    methods = [method for name in names if (method := method_of(type(owner), name))]
    for method in methods:
        if not (chosen := choice(method.tree)):
            continue
        last = max(chosen, key=lambda statement: statement.lineno)
        delegated = _delegated(last)
        return (delegated and _place(owner, [delegated], choice)) or method.line(last) + _parts(owner, last, choice)
    called = [found for method in methods for name in _called(method.tree) if (found := method_of(type(owner), name))]
    places = (method.line(statement) for method in called for statement in choice(method.tree))
    return next(places, methods[0].range if methods else "")


def _is_own(cls: type) -> bool:
    return cls is not object and not cls.__module__.startswith("corenet.contracts.")


def _parts(owner: object, statement: ast.stmt, choice: Choice) -> str:
    """Return where the methods that are a part of a statement compute it, such as ``self.slope(input)``."""
    methods = {name: method_of(type(owner), name) for name in _called(statement) if name not in ("save", "saved")}
    found = {name: (method, choice(method.tree)) for name, method in methods.items() if method}
    return "".join(f"; {name} is {method.line(chosen[-1])}" for name, (method, chosen) in found.items() if chosen)


def _has_source(subject: Callable[..., Any]) -> bool:
    try:
        return inspect.getsourcefile(subject) is not None
    except TypeError:
        return False


def _returns(tree: ast.AST) -> list[ast.stmt]:
    """Return the return statements, or, where they return a variable, the statements that write it."""
    returns = [node for node in ast.walk(tree) if isinstance(node, ast.Return)]
    names = {node.value.id for node in returns if isinstance(node.value, ast.Name)}
    writing = [node for node in ast.walk(tree) if isinstance(node, (ast.Assign, ast.AugAssign))]
    return [node for node in writing if _target(node) in names] or list(returns)


def _target(node: ast.Assign | ast.AugAssign) -> str:
    """Return the variable that a statement writes to, whole or in part."""
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return ast.unparse(target).partition("[")[0]


def _writers(tree: ast.AST, attribute: str) -> list[ast.stmt]:
    """Return the statements that write the gradient of that attribute."""
    simple = [node for node in ast.walk(tree) if isinstance(node, (ast.Assign, ast.AugAssign, ast.Expr))]
    return [node for node in simple if f"self.{attribute}.grad" in ast.unparse(node)]


def _delegated(statement: ast.stmt) -> str:
    """Return the method that a statement such as ``return self.method(…)`` calls."""
    if not (isinstance(statement, ast.Return) and isinstance(statement.value, ast.Call)):
        return ""
    function = ast.unparse(statement.value.func)
    return function.removeprefix("self.") if function.startswith("self.") else ""


def _called(tree: ast.AST) -> list[str]:
    """Return the names of the component's own methods that are called."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [
        each.attr
        for each in calls
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == "self"
    ]
