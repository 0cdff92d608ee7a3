"""Everything that the Python code of a step can reach, walked from its objects through the names that it reads."""

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import re
from collections import deque
from collections.abc import Callable, Collection
from functools import lru_cache, partial
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    EllipsisType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
    NotImplementedType,
)
from typing import Any

import numpy
import torch
from torch import Tensor

from corenet.training.engines.recording.code_names import DYNAMIC, names_in
from corenet.training.engines.recording.watches import (
    PLAIN,
    Attributes,
    Items,
    Memory,
    Names,
    State,
    Watch,
    state_of,
)

# Code that gives the same for the same; kernels of torch are seen where they are called.
TRUSTED = {
    *("_functools", "_operator", "abc", "builtins", "collections", "contextlib", "copy", "corenet", "dataclasses"),
    *("enum", "functools", "inspect", "itertools", "math", "numbers", "numpy", "operator", "re", "string", "torch"),
    *("types", "typing", "typing_extensions", "warnings"),
}
IMPURE = {"__import__", "breakpoint", "compile", "eval", "exec", "id", "input", "next", "open"}
# What functions of torch read or set belongs to the whole process.
OF_THE_PROCESS = {
    *("from_dlpack", "get_default_dtype", "get_rng_state", "initial_seed", "manual_seed", "seed"),
    *("set_default_dtype", "set_rng_state", "to_dlpack"),
}
CONSTANT = (
    *(torch.dtype, torch.device, torch.layout, torch.memory_format, numpy.dtype, numpy.generic),
    *(range, slice, CodeType, GetSetDescriptorType, MemberDescriptorType, EllipsisType, NotImplementedType, re.Pattern),
    *(decimal.Decimal, fractions.Fraction, datetime.date, datetime.time, datetime.timedelta, pathlib.PurePath),
)
CONTAINERS = (list, tuple, set, frozenset, deque, dict)
WRAPPERS = (MethodType, property, staticmethod, classmethod, partial, type(lru_cache(lambda: None)))
# Special methods that are run where an object is made, copied or shown, which no step is taken to do.
_NOT_OPERATORS = {
    *("__class_getitem__", "__copy__", "__deepcopy__", "__del__", "__dir__", "__format__", "__getstate__", "__init__"),
    *("__init_subclass__", "__new__", "__post_init__", "__reduce__", "__reduce_ex__", "__repr__", "__set_name__"),
    *("__setstate__", "__sizeof__", "__str__"),
}
MOST = 20_000  # objects: a walk that leads further does not stay with a model


class Reachable:
    """A walk to everything that can be reached.

    ``entries`` are the methods that a step calls; ``ignored`` attributes are of no account.
    """

    def __init__(self, entries: Collection[str], ignored: Collection[str]) -> None:
        self._names, self._ignored = set(entries), frozenset(ignored)
        self._roots: list[tuple[object, str]] = []

    def add(self, value: object, path: str) -> None:
        """Let the walk start from ``value`` too."""
        self._roots.append((value, path))

    def explore(self) -> tuple[list[Watch], list[Watch], list[str]]:
        """Walk until no new name is read: which attributes matter depends on the code that is found.

        Returns the watches over the attributes of the roots and over tensors, those over all else, and the paths of
        what nobody can watch.
        """
        known = -1
        while known < len(self._names):
            known = len(self._names)
            self._own: list[Watch] = []
            self._shared: list[Watch] = []
            self.mutable: list[str] = []  # which a trial might change, and nothing would put back
            self._unseen: list[str] = []
            self._visited: dict[int, object] = {}  # which keeps them, so that no other object gets an id
            self._waiting = deque(self._roots)
            while self._waiting:
                self._visit(*self._waiting.popleft())
        return self._own, self._shared, self._unseen

    def _visit(self, value: Any, path: str) -> None:
        if isinstance(value, (*PLAIN, *CONSTANT)) or id(value) in self._visited:
            return
        self._visited[id(value)] = value
        if len(self._visited) > MOST:
            self._unseen.append(f"more than {MOST} objects, such as {path}")
            self._waiting.clear()
        elif isinstance(value, Tensor):
            self._own.append(Memory(path, value))
        elif (state := state_of(value)) is not None:
            self.mutable.append(path)
            self._shared.append(State(path, state))
        elif isinstance(value, FunctionType):
            self._visit_function(value, path)
        elif isinstance(value, BuiltinFunctionType):
            self._visit_builtin(value, path)
        elif isinstance(value, type):
            self._visit_class(value)
        elif isinstance(value, ModuleType):
            if not _is_trusted(value.__name__):
                self._visit_names(value.__name__, vars(value))
        elif isinstance(value, CONTAINERS):
            if not isinstance(value, (tuple, frozenset)):
                self.mutable.append(path)
            self._visit_parts(path, partial(_items, value))
        elif isinstance(value, WRAPPERS):
            self._visit_parts(path, partial(_wrapped, value))
        else:
            self._visit_object(value, path)

    def _visit_parts(self, path: str, parts: Callable[[], list[Any]]) -> None:
        self._shared.append(Items(path, parts))
        self._waiting.extend((part, f"{path}[{place}]") for place, part in enumerate(parts()))

    def _visit_function(self, function: FunctionType, path: str) -> None:
        names = names_in(function.__code__)
        self._names |= names.attributes - DYNAMIC
        if _is_trusted(function.__module__):
            return
        self._names |= (names.attributes | names.globals) & DYNAMIC
        self._visit_parts(path, partial(_around, function))
        known = function.__globals__.keys() & names.globals
        self._shared.append(Names(function.__module__, function.__globals__, sorted(names.globals)))
        self._waiting.extend((function.__globals__[name], f"{function.__module__}.{name}") for name in sorted(known))
        impure = (names.globals - known) & IMPURE | names.attributes & OF_THE_PROCESS
        self._unseen += [f"{name}() in {path}" for name in sorted(impure)]

    def _visit_builtin(self, function: Any, path: str) -> None:
        owner = function.__self__
        if owner is not None and not isinstance(owner, (ModuleType, type)):
            self._waiting.append((owner, path))
        elif not _is_trusted(function.__module__ or "builtins"):
            self._unseen.append(f"{path}()")

    def _visit_class(self, kind: type) -> None:
        for each in kind.__mro__:
            if id(each) in self._visited and each is not kind:
                continue
            self._visited[id(each)] = each
            if not _is_trusted(each.__module__) or each.__module__.startswith("corenet."):
                self._visit_names(each.__qualname__, vars(each), _operators(each))

    def _visit_names(self, path: str, namespace: Any, unnamed: Collection[str] = ()) -> None:
        names = sorted(namespace.keys() & self._names.union(unnamed))
        self._shared.append(Names(path, namespace, names))
        self._waiting.extend((namespace[name], f"{path}.{name}") for name in names)

    def _visit_object(self, value: object, path: str) -> None:
        attributes = getattr(value, "__dict__", None)
        slots = [name for each in type(value).__mro__ for name in _slots(each)]
        if attributes is None and not slots:
            self._unseen.append(path)
            return
        if attributes is not None:
            is_root = any(root is value for root, _ in self._roots)
            watches = self._own if is_root else self._shared
            watches.append(Attributes(path, attributes, self._ignored))
            read = sorted(attributes.keys() - self._ignored)
            if DYNAMIC.isdisjoint(self._names):
                read = [name for name in read if name in self._names]
            self._waiting.extend((attributes[name], f"{path}.{name}") for name in read)
        if slots:
            self._visit_parts(path, lambda: [getattr(value, name, None) for name in slots])
        self._waiting.append((type(value), type(value).__qualname__))


def _is_trusted(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] in TRUSTED


def _operators(kind: type) -> set[str]:
    """Return the special methods of a class, which Python calls where no code reads their names."""
    found = {name for name, value in vars(kind).items() if isinstance(value, FunctionType)}
    return {name for name in found if name.startswith("__") and name.endswith("__")} - _NOT_OPERATORS


def _slots(kind: type) -> list[str]:
    slots = vars(kind).get("__slots__", ())
    return [slots] if isinstance(slots, str) else [name for name in slots if name not in ("__dict__", "__weakref__")]


def _items(container: Any) -> list[Any]:
    return [*container, *container.values()] if isinstance(container, dict) else [*container]


def _wrapped(wrapper: Any) -> list[Any]:
    """Return the functions and objects behind a method, a property or the like."""
    names = ("__self__", "__func__", "__wrapped__", "fget", "func", "args", "keywords")
    return [getattr(wrapper, name) for name in names if hasattr(wrapper, name)]


def _around(function: FunctionType) -> list[Any]:
    """Return what a function is made of, besides its globals."""
    cells = [cell for cell in function.__closure__ or () if _is_filled(cell)]
    return [function.__code__, function.__defaults__, function.__kwdefaults__, *(cell.cell_contents for cell in cells)]


def _is_filled(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True
