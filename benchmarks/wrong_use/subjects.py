"""What is called: every public function, constructor and method of corenet, as its signatures say."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

import corenet as cn
from benchmarks.wrong_use.world import World
from corenet.registry.registry import registry
from corenet.testing.support.guess import trials_of

# Methods that corenet calls itself, with what it has looked at, or that only the author of a class calls, and functions
# that are not in the reference. So are schedules and initializers: corenet counts the steps and makes the weights.
INSIDE = {
    *("after_epoch", "append", "backward_parameters", "begin", "check", "check_floating", "check_matches"),
    *("check_values", "children", "conformance_cases", "count", "decayed", "derivative", "elements", "encode"),
    *("encoded", "end", "evaluate", "expect", "fill_bias", "forward", "index", "init_state", "line", "named_members"),
    *("named_modules", "named_parameters", "named_tensors", "pieces", "ratio", "repeat", "rows", "save", "saved"),
    *("stream", "weighs_points_alike", "weighted"),
}


@dataclass(frozen=True)
class Subject:
    """Something to call; ``made`` gives in a world the callable, and plain arguments by name (starred in a list)."""

    name: str
    made: Callable[[World], tuple[Callable[..., Any], dict[str, Any]]]

    def __str__(self) -> str:
        return self.name


def subjects() -> list[Subject]:
    """Return all there are."""
    return [*_functions(), *_classes(), *_components()]


def _functions() -> Iterator[Subject]:
    for home in (cn, cn.data):
        for name in sorted(set(dir(home)) - INSIDE | ({"save"} if home is cn else set())):
            value = getattr(home, name)
            if inspect.isfunction(value) and name[0] != "_" and (home is cn or value.__module__ == home.__name__):
                yield Subject(f"{home.__name__}.{name}", _call_of(value, name))


def _classes() -> Iterator[Subject]:
    """Yield constructors and methods of the classes that are no components."""
    made: dict[str, Callable[[World], Any]] = {
        "Dataset": lambda world: world.data,
        "Statistics": lambda world: world.data.statistics(),
        "History": lambda world: world.history,
        "Table": lambda world: cn.table(world.plain("table", "source"), "y"),
        "TableCoding": lambda world: cn.table(world.plain("table", "source"), "y").coding,
        "Sequential": lambda world: world.model,
        "Parameter": lambda world: None,
        "Buffer": lambda world: None,
    }
    for name, make in made.items():
        cls = getattr(cn, name, None) or getattr(cn.data, name, None)
        if cls is not None:
            yield Subject(f"{name}(...)", _call_of(cls, name))
        if name not in ("Parameter", "Buffer"):
            yield from _methods(name, make)
    yield Subject("Sequential.__call__", lambda world: (world.model, {"*": [world.input]}))
    yield Subject("Sequential.backward", _backward_of_model)


def _backward_of_model(world: World) -> tuple[Callable[..., Any], dict[str, Any]]:
    world.model(world.input)
    return world.model.backward, {"grad_output": torch.ones(6, 1)}


def _methods(name: str, make: Callable[[World], Any]) -> Iterator[Subject]:
    cls = {"Table": _table_class, "TableCoding": _coding_class}.get(name, lambda: None)()
    cls = cls or getattr(cn, name, None) or getattr(cn.data, name, None)
    for method in sorted(dir(cls)):
        function = inspect.getattr_static(cls, method)
        if method.startswith("_") or method in INSIDE or not inspect.isfunction(function):
            continue
        if method == "backward":  # has its own subject, after a forward
            continue
        yield Subject(f"{name}.{method}", _method_of(make, name, method))


def _table_class() -> type:
    from corenet.tables.table import Table

    return Table


def _coding_class() -> type:
    from corenet.tables.coding import TableCoding

    return TableCoding


def _components() -> Iterator[Subject]:
    for kind in ("module", "loss", "optimizer", "schedule", "metric", "callback", "initializer"):
        for row in cn.components(kind):
            if row.status in ("declared", "loaded"):
                cls = registry().get(kind, f"{row.distribution}:{row.name}")
                yield from _of_component(kind, row.name, cls)


def _of_component(kind: Any, name: str, cls: type) -> Iterator[Subject]:
    called = cls.__name__
    trial = next(iter(trials_of(cls, kind)), None) if kind != "callback" else None

    def arguments(world: World) -> dict[str, Any]:
        if trial is None:
            return _plain(world, cls, called)
        bound = inspect.signature(cls).bind_partial(
            *(() if kind != "optimizer" else (world.model.parameters(),)), *trial.case.args, **trial.case.arguments
        )
        named = dict(bound.arguments)
        for each in bound.signature.parameters.values():
            if each.kind is each.VAR_POSITIONAL and each.name in named:
                named["*"] = list(named.pop(each.name))
        return {**_plain(world, cls, called, quietly=True), **named}

    yield Subject(f"{called}(...)", lambda world: (cls, arguments(world)))
    if kind == "module" and trial is not None:
        yield Subject(f"{called}.__call__", lambda _: (trial.build(), {"*": list(trial.inputs())}))
        yield Subject(f"{called}.__call__ in eval mode", lambda _: (trial.build().eval(), {"*": list(trial.inputs())}))
        yield Subject(f"{called}.backward", lambda _: _backward(trial))
        yield from _inherited(called, cls, lambda _: trial.build())
    if kind == "loss" and trial is not None:
        yield Subject(f"{called}.__call__", lambda _: (trial.build(), {"*": [trial.input(), trial.target()]}))
        yield from _inherited(called, cls, lambda _: trial.build())
    if kind == "optimizer":
        yield from _inherited(called, cls, lambda world: cls(world.model.parameters(), **trial.case.arguments))
    if kind == "metric" and trial is not None:
        yield Subject(
            f"{called}.update", lambda _: (trial.build().update, {"output": trial.input(), "target": trial.target()})
        )


def _inherited(name: str, cls: type, make: Callable[[World], Any]) -> Iterator[Subject]:
    for method in ("load_state_dict", "to", "add_penalty", "train", "freeze", "probabilities", "predictions"):
        if hasattr(cls, method):
            yield Subject(f"{name}.{method}", _method_of(make, name, method))


def _backward(trial: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
    module = trial.build()
    output = module(*trial.inputs())
    outputs = output if isinstance(output, tuple) else (output,)
    gradients = [torch.ones_like(each) if each.is_floating_point() else None for each in outputs]
    return module.backward, {"grad_output": gradients[0] if len(outputs) == 1 else tuple(gradients)}


def _call_of(function: Any, owner: str) -> Callable[[World], tuple[Callable[..., Any], dict[str, Any]]]:
    return lambda world: (function, _plain(world, function, owner))


def _method_of(make: Callable[[World], Any], owner: str, method: str) -> Any:
    def made(world: World) -> tuple[Callable[..., Any], dict[str, Any]]:
        part = make(world)
        bound = getattr(part, method)
        arguments = _plain(world, bound, owner)
        if method == "load_state_dict":
            arguments["state"] = part.state_dict()
        return bound, arguments

    return made


def _plain(world: World, function: Any, owner: str, quietly: bool = False) -> dict[str, Any]:
    """Return plain arguments for what a signature asks for; those with a default are given it."""
    found: dict[str, Any] = {}
    for each in inspect.signature(function).parameters.values():
        if each.kind is each.VAR_KEYWORD:
            continue
        if each.kind is each.VAR_POSITIONAL:
            found["*"] = [world.plain(owner, each.name)]
        elif each.default is not each.empty and each.name not in ("engine", "progress", "seed"):
            found[each.name] = each.default
        else:
            try:
                found[each.name] = world.plain(owner, each.name)
            except LookupError:
                if not quietly:
                    raise
    return found
