"""The ways to copy a component."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

from corenet.registry.provenance import imported, target_of


def copiers(part: object) -> dict[str, Callable[[Any], Any]]:
    """Return the functions that copy ``part``, by name: deepcopy, and pickle where it can import the class.

    >>> import corenet as cn
    >>> list(copiers(cn.Tanh()))
    ['a deep copy', 'a pickled copy']
    """
    found: dict[str, Callable[[Any], Any]] = {"a deep copy": copy.deepcopy}
    if imported(target_of(type(part))) is type(part):
        found["a pickled copy"] = lambda each: pickle.loads(pickle.dumps(each))  # noqa: S301 - pickled here
    return found
