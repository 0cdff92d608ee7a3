"""Values that a step reads, each remembered in the way that tells soonest whether it changed."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from operator import is_
from typing import Any, Protocol

import numpy
import torch
from torch import Tensor

PLAIN = (bool, int, float, complex, str, bytes, type(None))
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
        return [self._namespace.get(name, _MISSING) for name in self._names]

    def changed(self) -> str | None:
        """Return the path of the first name that stands for something else."""
        now = self._now()
        if all(map(is_, now, self._values)):
            return None
        pairs = zip(self._names, now, self._values, strict=True)
        return next((f"{self._path}.{name}" for name, one, other in pairs if not alike(one, other)), None)


class Attributes(Names):
    """All attributes of an object, but those that are ``ignored``."""

    def __init__(self, path: str, namespace: Mapping[str, Any], ignored: Collection[str]) -> None:
        self._ignored = ignored
        super().__init__(path, namespace, namespace.keys() - ignored)

    def changed(self) -> str | None:
        """Return the path of the first attribute that is another, or of one that was added."""
        added = self._namespace.keys() - self._ignored - set(self._names)
        return f"{self._path}.{min(added)}" if added else super().changed()


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
    here = place, tensor.shape, tensor.dtype, id(gradient)
    return here if gradient is None else (*here, *memory_of(gradient))


def state_of(value: object) -> Callable[[], Any] | None:
    """Return a function that tells the state of an array or a generator; None for any other value."""
    if isinstance(value, numpy.ndarray) and value.dtype != object:
        return lambda: (value.shape, value.dtype.str, value.tobytes())
    if isinstance(value, random.Random) and not isinstance(value, random.SystemRandom):
        return value.getstate
    if isinstance(value, torch.Generator):
        return lambda: value.get_state().numpy().tobytes()
    if isinstance(value, numpy.random.Generator):
        return lambda: repr(value.bit_generator.state)
    if isinstance(value, numpy.random.RandomState):
        return lambda: repr(value.get_state(legacy=False))
    return None


def alike(one: object, other: object) -> bool:
    """Tell whether two values are one, or plain ones of one kind that are equal."""
    return one is other or (type(one) is type(other) and isinstance(one, PLAIN) and one == other)
