"""Lists, tuples and dicts in which an object keeps its parameters and modules: looked through, and rebuilt."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from operator import is_
from typing import Any


def flattened(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Yield ``value`` under ``name``, or, of a container, each of its items under the path to it.

    >>> list(flattened("layers", [1, {"bias": 2}]))
    [('layers.0', 1), ('layers.1.bias', 2)]
    """
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from flattened(join(name, str(index)), item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from flattened(join(name, str(key)), item)
    else:
        yield name, value


def replaced(value: Any, function: Callable[[Any], Any]) -> Any:
    """Return ``value`` with ``function`` applied to it, or, of a container, to each item; itself if none changes.

    >>> replaced(["a", ("b",)], str.upper)
    ['A', ('B',)]
    """
    if isinstance(value, dict):
        items = {key: replaced(item, function) for key, item in value.items()}
        return value if all(map(is_, items.values(), value.values())) else _with_items(value, items)
    if isinstance(value, (list, tuple)):
        found = [replaced(item, function) for item in value]
        return value if all(map(is_, found, value)) else _of_items(value, found)
    return function(value)


def join(path: str, name: str) -> str:
    """Return the path to ``name`` below ``path``."""
    return f"{path}.{name}" if path else name


def _with_items(value: dict[Any, Any], items: dict[Any, Any]) -> dict[Any, Any]:
    made = copy.copy(value)  # of a subclass, with its settings
    made.update(items)
    return made


def _of_items(value: list[Any] | tuple[Any, ...], items: list[Any]) -> Any:
    if isinstance(value, tuple):
        return getattr(value, "_make", type(value))(items)  # a named tuple's type takes its fields one by one
    made = copy.copy(value)
    made[:] = items
    return made
