"""What the arguments of a constructor must be."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from numbers import Integral
from typing import Any

import corenet as cn


def size(owner: str, name: str, value: Any) -> int:
    """Return ``value``, an integer of at least 1.

    Raises:
        ConfigError: it is something else.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise cn.ConfigError(f"{owner}: {name} must be an integer ≥ 1, not {value!r}", name=name, value=value)
    return int(value)


def shape(owner: str, name: str, value: Any) -> tuple[int, ...]:
    """Return ``value`` as a shape; one integer is that of one dimension.

    Raises:
        ConfigError: it is no integer ≥ 1, nor some of these.
    """
    values = tuple(value) if isinstance(value, Sequence) else (value,)
    if not values:
        raise cn.ConfigError(f"{owner}: {name} must have one dimension or more, not {value!r}", name=name, value=value)
    return tuple(size(owner, name, each) for each in values)


def number(owner: str, name: str, value: Any, most: float | None = None) -> float:
    """Return ``value``, a finite number of at least 0, and of at most ``most`` if that is given.

    Raises:
        ConfigError: it is something else.
    """
    fits = isinstance(value, (int, float)) and isfinite(value) and value >= 0 and (most is None or value <= most)
    if not fits:
        bound = "≥ 0" if most is None else f"in [0, {most:g}]"
        raise cn.ConfigError(f"{owner}: {name} must be a number {bound}, not {value!r}", name=name, value=value)
    return float(value)
