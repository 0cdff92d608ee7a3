"""The ways to copy a component."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable
from functools import reduce
from typing import Any


def copiers(part: object) -> dict[str, Callable[[Any], Any]]:
    """Return a deep copy, and pickle where it can find the class again, by what a message calls them.

    >>> import corenet as cn
    >>> list(copiers(cn.Tanh()))
    ['a deep copy', 'a pickled copy']
    """
    found: dict[str, Callable[[Any], Any]] = {"a deep copy": copy.deepcopy}
    if _importable(type(part)):
        found["a pickled copy"] = lambda each: pickle.loads(pickle.dumps(each))  # noqa: S301 - made a moment ago
    return found


def _importable(cls: type) -> bool:
    module: Any = sys.modules.get(cls.__module__)
    return reduce(lambda found, name: getattr(found, name, None), cls.__qualname__.split("."), module) is cls
