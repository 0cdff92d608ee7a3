"""What an optimizer of this package is given: its parameters, and numbers held to what they can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from numbers import Integral, Real
from typing import Any

import corenet as cn
from torch import Tensor

Parameters = Iterable[Tensor] | Iterable[Mapping[str, Any]]


def number(owner: str, name: str, value: Any, most: float | None = None) -> float:
    """Return ``value``, a finite number of at least 0, and of at most ``most`` if that is given.

    >>> number("RMSprop", "alpha", 1.5, most=1)
    Traceback (most recent call last):
    corenet.errors.ConfigError: RMSprop: alpha must be a finite number from 0 to 1, not 1.5
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
    if not is_number or value < 0 or (most is not None and value > most):
        wanted = "a finite number ≥ 0" if most is None else f"a finite number from 0 to {most}"
        raise refusal(owner, name, wanted, value)
    return float(value)


def integer(owner: str, name: str, value: Any, least: int, most: int | None = None) -> int:
    """Return ``value``, an integer in these bounds.

    >>> integer("SWA", "start", 0, least=1)
    Traceback (most recent call last):
    corenet.errors.ConfigError: SWA: start must be an integer ≥ 1, not 0
    """
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_integer or value < least or (most is not None and value > most):
        wanted = f"an integer ≥ {least}" if most is None else f"an integer from {least} to {most}"
        raise refusal(owner, name, wanted, value)
    return int(value)


def two_betas(owner: str, value: Any) -> tuple[float, float]:
    """Return ``value``, two numbers in [0, 1).

    >>> two_betas("Lion", (0.9, 1.0))
    Traceback (most recent call last):
    corenet.errors.ConfigError: Lion: betas must be two numbers in [0, 1), not (0.9, 1.0)
    """
    is_pair = isinstance(value, (tuple, list)) and len(value) == 2
    if not is_pair or not all(isinstance(each, Real) and 0 <= float(each) < 1 for each in value):
        raise refusal(owner, "betas", "two numbers in [0, 1)", value)
    return float(value[0]), float(value[1])


def refusal(owner: str, name: str, wanted: str, value: Any) -> cn.ConfigError:
    """Return the error for a setting that is not what is wanted."""
    return cn.ConfigError(f"{owner}: {name} must be {wanted}, not {value!r:.80}", name=name, value=value)
