"""Every tensor that can be reached from a module, whether the module registers it or not."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Iterator
from types import FunctionType, ModuleType

from torch import Tensor

from corenet.contracts.parameter import Buffer, Parameter
from corenet.contracts.tree import Tree

MAX_DEPTH = 6  # an object may lead on to the whole program, as a logger does


def reachable_tensors(root: object) -> dict[str, Tensor]:
    """Return each tensor that can be reached from ``root`` once, by its path, except what is saved for backward.

    The search goes through attributes, lists, tuples, sets, dicts, and the closures of functions.

    >>> import corenet as cn, torch
    >>> linear = cn.Linear(1, 1, bias=False)
    >>> linear.stash = {torch.ones(1)}
    >>> list(reachable_tensors(linear))
    ['weight', 'stash.0']
    """
    found: dict[str, Tensor] = {}
    _collect((), root, found, set())
    return found


def plain_tensors(root: object) -> dict[str, Tensor]:
    """Return the tensors reachable from ``root`` that are neither parameters nor buffers."""
    reachable = reachable_tensors(root).items()
    return {path: tensor for path, tensor in reachable if not isinstance(tensor, (Parameter, Buffer))}


def _collect(path: tuple[str, ...], value: object, found: dict[str, Tensor], seen: set[int]) -> None:
    if id(value) in seen or len(path) > MAX_DEPTH:
        return
    seen.add(id(value))
    if isinstance(value, Tensor):
        found[".".join(path)] = value
        return
    for name, part in _parts(value):
        _collect((*path, name), part, found, seen)


def _parts(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Tree):
        yield from value.named_members()
    elif isinstance(value, dict):
        yield from ((str(key), item) for key, item in value.items())
    elif isinstance(value, (list, tuple, set, frozenset, deque)):
        yield from ((str(index), item) for index, item in enumerate(value))
    elif isinstance(value, FunctionType):
        yield from inspect.getclosurevars(value).nonlocals.items()
    elif not isinstance(value, (type, ModuleType)):
        yield from getattr(value, "__dict__", {}).items()
