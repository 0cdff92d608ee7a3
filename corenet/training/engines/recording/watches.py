"""Values that a step reads, each remembered in the way that tells soonest whether it changed."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from itertools import repeat
from operator import is_
from typing import Any, Protocol

import numpy
import torch
from torch import Tensor

from corenet.training.engines.recording.rng_state import plain_state

PLAIN = (bool, int, float, complex, str, bytes, type(None))
_COMPARED = {*PLAIN, numpy.float64}
_TUPLES = (tuple, torch.Size)  # of others nobody knows what else they are
_WITH_STATE = (numpy.ndarray, random.Random, torch.Generator, numpy.random.Generator, numpy.random.RandomState)
_MISSING = object()


class Watch(Protocol):
    """Something that remembers a value."""

    def changed(self) -> str | None:
        """Return the path of what is not as it was, or None."""


class Names:
    """Some names of a class, a module or a function's globals, whether they are there or not."""

    def __init__(self, path: str, namespace: Mapping[str, Any], names: Collection[str]) -> None:
        self._path, self._namespace, self._names = path, namespace, tuple(names)
        self._values = self._now()

    def _now(self) -> list[Any]:
        return [*map(self._namespace.get, self._names, repeat(_MISSING))]

    def changed(self) -> str | None:
        """Return the path of the first name that stands for something else."""
        now = self._now()
        if all(map(is_, now, self._values)):
            return None
        pairs = zip(self._names, now, self._values, strict=True)
        return next((f"{self._path}.{name}" for name, one, other in pairs if not alike(one, other)), None)


class Attributes(Names):
    """All attributes of an object, but those that are ``ignored``, and its class."""

    def __init__(self, path: str, value: object, ignored: Collection[str] = ()) -> None:
        self._value, self._kind = value, type(value)
        self._known = frozenset(vars(value)).union(ignored)
        super().__init__(path, vars(value), vars(value).keys() - ignored)

    def changed(self) -> str | None:
        """Return the path of the first attribute that is another, or of one that was added."""
        if type(self._value) is not self._kind:
            return f"{self._path}.__class__"
        if vars(self._value) is not self._namespace:
            return f"{self._path}.__dict__"
        if not self._namespace.keys() <= self._known:
            return f"{self._path}.{min(self._namespace.keys() - self._known)}"
        return super().changed()


class Members:
    """How many names classes have of their own: one that is added hides one that was inherited."""

    def __init__(self) -> None:
        self._paths: list[str] = []
        self._namespaces: list[Mapping[str, Any]] = []
        self._counts: list[int] = []

    def add(self, path: str, namespace: Mapping[str, Any]) -> None:
        """Remember one class."""
        self._paths.append(path)
        self._namespaces.append(namespace)
        self._counts.append(len(namespace))

    def changed(self) -> str | None:
        """Return the path of the first class that has more names than it had, or fewer."""
        now = [*map(len, self._namespaces)]
        if now == self._counts:
            return None
        triples = zip(self._paths, now, self._counts, strict=True)
        return next(path for path, count, before in triples if count != before)


class Items:
    """Values that a function gives: the items of a container, the parts of a function, what lies in slots."""

    def __init__(self, path: str, items: Callable[[], list[Any]]) -> None:
        self._path, self._now = path, items
        self._items = items()

    def changed(self) -> str | None:
        """Return the path if one of them is another."""
        now = self._now()
        return None if len(now) == len(self._items) and all(map(alike, now, self._items)) else self._path


class Memory:
    """Which memory a tensor and its gradient are; their numbers are the kernels' affair."""

    def __init__(self, path: str, tensor: Tensor) -> None:
        self._path, self._tensor = path, tensor
        self._was = memory_of(tensor)

    def changed(self) -> str | None:
        """Return the path if the tensor is in another memory."""
        return None if memory_of(self._tensor) == self._was else self._path


class State:
    """What a function tells of a value that changes inside."""

    def __init__(self, path: str, state: Callable[[], Any]) -> None:
        self._path, self._state = path, state
        self._was = state()

    def changed(self) -> str | None:
        """Return the path if it tells something else."""
        return None if self._state() == self._was else self._path


def memory_of(tensor: Tensor) -> tuple[Any, ...]:
    """Return what tells the memory of a tensor and of its gradient from others."""
    strided = tensor.layout is torch.strided
    place = (tensor.data_ptr(), tensor.stride()) if strided else None
    gradient = tensor.grad
    here = place, tensor.shape, tensor.dtype, tensor.requires_grad, id(gradient)
    return here if gradient is None else (*here, *memory_of(gradient))


def state_of(value: object) -> Callable[[], Any] | None:
    """Return a function that tells the state of an array or a generator; None for any other value."""
    if not isinstance(value, _WITH_STATE):
        return None
    if isinstance(value, numpy.ndarray) and not value.dtype.hasobject:
        return lambda: (value.shape, value.dtype.str, value.flags.writeable, value.tobytes())
    if isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
        return value.getstate
    if isinstance(value, torch.Generator):
        return lambda: value.get_state().numpy().tobytes()
    if isinstance(value, numpy.random.Generator):
        return lambda: plain_state(value.bit_generator.state)
    if isinstance(value, numpy.random.RandomState):
        return lambda: plain_state(value.get_state(legacy=False))
    return None


def alike(one: object, other: object) -> bool:
    """Tell whether two values are one, or plain ones of one kind that are equal."""
    if one is other or type(one) is not type(other):
        return one is other
    if isinstance(one, tuple) and isinstance(other, tuple):
        return type(one) in _TUPLES and len(one) == len(other) and all(map(alike, one, other))
    return type(one) in _COMPARED and bool(one == other)
