"""Kinds of values that a walk knows: those that never change, those with parts, and whose code is trusted."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import functools
import pathlib
import random
import re
from collections.abc import Collection, Iterator, Mapping
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    EllipsisType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodDescriptorType,
    MethodType,
    ModuleType,
    NotImplementedType,
    SimpleNamespace,
    WrapperDescriptorType,
)
from typing import Any

import numpy
import torch
from torch import Tensor

from corenet.training.engines.recording.code_names import MADE
from corenet.training.engines.recording.watches import PLAIN

# Code that gives the same for the same; kernels of torch are seen where they are called.
TRUSTED = {
    *("_functools", "_operator", "abc", "builtins", "collections", "contextlib", "copy", "corenet", "dataclasses"),
    *("enum", "functools", "inspect", "itertools", "math", "numbers", "numpy", "operator", "re", "string", "torch"),
    *("types", "typing", "typing_extensions", "warnings"),
}
CONSTANT = (
    *(torch.dtype, torch.device, torch.layout, torch.memory_format, numpy.dtype, numpy.generic),
    *(range, slice, CodeType, GetSetDescriptorType, MemberDescriptorType, EllipsisType, NotImplementedType, re.Pattern),
    type(collections.namedtuple("_Field", "of").of),  # type: ignore[attr-defined]  # how a named tuple finds one
    *(decimal.Decimal, fractions.Fraction, datetime.date, datetime.time, datetime.timedelta, pathlib.PurePath),
)
CONTAINERS = (list, tuple, set, frozenset, collections.deque, dict, MappingProxyType)
WRAPPERS = (
    *(MethodType, property, staticmethod, classmethod, functools.partial, functools.cached_property),
    type(functools.lru_cache(lambda: None)),
)
# Of these, and of classes written in Python, it is known where they keep what they keep.
_BASES = {
    *(object, SimpleNamespace, *PLAIN, *CONSTANT, *CONTAINERS, *WRAPPERS, Tensor, Tensor.__mro__[1], FunctionType),
    *(collections.OrderedDict, collections.defaultdict, torch.Size, numpy.ndarray, BaseException, Exception, type),
    *(random.Random, random.Random.__mro__[1], torch.Generator, numpy.random.RandomState, numpy.random.Generator),
    *(BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType),
}
# Special methods that are run where an object is made, copied, shown or set, which not every step does.
NOT_OPERATORS = {
    *(
        "__copy__",
        "__deepcopy__",
        "__delattr__",
        "__dir__",
        "__format__",
        "__getstate__",
        "__init_subclass__",
        "__reduce__",
    ),
    *("__reduce_ex__", "__repr__", "__set_name__", "__setattr__", "__setstate__", "__sizeof__", "__str__", *MADE),
}
_WITHOUT_ATTRIBUTES = {"abc", "builtins", "corenet", "types", "typing", "typing_extensions"}
_HEAP, _IMMUTABLE = 1 << 9, 1 << 8  # flags of a class: made at run time; written in C


def is_trusted(module: str | None) -> bool:
    """Tell whether the code of a module gives the same for the same."""
    return module is not None and module.partition(".")[0] in TRUSTED


def module_of(kind: type) -> str:
    """Return the name of a class's module, which some classes written in C have not as a text."""
    name = kind.__module__
    return name if isinstance(name, str) else ""


def is_opaque(value: object) -> bool:
    """Tell whether a class written in C keeps something in the value that nobody sees."""
    return any(_is_of_c(each) and each not in _BASES for each in type(value).__mro__)


def _is_of_c(kind: type) -> bool:
    return not kind.__flags__ & _HEAP or bool(kind.__flags__ & _IMMUTABLE)


def is_derived(value: object) -> bool:
    """Tell whether the class of a value is no known one, but was written in Python."""
    return type(value) not in _BASES and not _is_of_c(type(value))


def is_read_by_trusted_code(value: object) -> bool:
    """Tell whether methods of a trusted class may read any attribute of the value: nobody looks which they do."""
    roots = {module_of(each).partition(".")[0] for each in type(value).__mro__}
    return bool(roots & TRUSTED - _WITHOUT_ATTRIBUTES)


def slots_of(value: object) -> list[str]:
    """Return the names of what lies in slots."""
    return [name for each in type(value).__mro__ for name in _slots(each)]


@functools.lru_cache(1000)
def _slots(kind: type) -> list[str]:
    slots = vars(kind).get("__slots__", ())
    names = [slots] if isinstance(slots, str) else [*slots]
    own = kind.__name__.lstrip("_")
    is_private = [name.startswith("__") and not name.endswith("__") for name in names]
    named = [f"_{own}{name}" if private else name for name, private in zip(names, is_private, strict=True)]
    return [name for name in named if name not in ("__dict__", "__weakref__")]


def items(container: Any) -> list[Any]:
    """Return what lies in a container, keys before values."""
    if not isinstance(container, Mapping):
        return [*container]
    return [*container, *container.values(), getattr(container, "default_factory", None)]


def wrapped(wrapper: Any) -> list[Any]:
    """Return the functions and objects behind a method, a property or the like."""
    names = ("__self__", "__func__", "__wrapped__", "fget", "fset", "fdel", "func", "args", "keywords")
    return [getattr(wrapper, name) for name in names if hasattr(wrapper, name)]


def around(function: FunctionType) -> list[Any]:
    """Return what a function is made of, besides its globals."""
    return [function.__code__, function.__defaults__, function.__kwdefaults__, *in_cells(function)]


def globals_of(function: FunctionType, names: Collection[str], path: str) -> Iterator[tuple[object, str]]:
    """Yield those globals of a function that are there, each with its path; a module's says who uses it."""
    for name in sorted(function.__globals__.keys() & names):
        value = function.__globals__[name]
        yield value, f"{name} in {path}" if isinstance(value, ModuleType) else f"{function.__module__}.{name}"


def in_cells(function: FunctionType) -> list[Any]:
    """Return the values of variables around a function."""
    return [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]


def _is_filled(cell: CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def operators(kind: type, is_called: bool) -> set[str]:
    """Return the special methods of a class, which Python calls where no code reads their names."""
    found = {name for name, value in vars(kind).items() if isinstance(value, FunctionType)}
    return {name for name in found if name.startswith("__") and name.endswith("__")} - (
        NOT_OPERATORS if is_called else NOT_OPERATORS | {"__call__"}
    )


def is_found(name: str) -> bool:
    """Tell whether a name of a class leads to what its author wrote."""
    return name not in ("__dict__", "__weakref__", "__doc__", "__module__", "_abc_impl")
