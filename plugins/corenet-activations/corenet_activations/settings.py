"""What a number that a user gives must be."""

from __future__ import annotations

from math import isfinite
from numbers import Integral

import corenet as cn


def check_finite(owner: str, name: str, value: object) -> None:
    """Raise unless ``value`` is a finite number.

    >>> check_finite("ELU", "alpha", float("nan"))
    Traceback (most recent call last):
    corenet.errors.ConfigError: ELU: alpha must be a finite number, not nan
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not isfinite(value):
        raise cn.ConfigError(f"{owner}: {name} must be a finite number, not {value!r}", name=name, value=value)


def check_integer(owner: str, name: str, value: object, least: int | None = None) -> None:
    """Raise unless ``value`` is an integer, and no less than ``least``.

    >>> check_integer("PReLU", "num_parameters", 0, least=1)
    Traceback (most recent call last):
    corenet.errors.ConfigError: PReLU: num_parameters must be an integer ≥ 1, not 0
    """
    fits = isinstance(value, Integral) and not isinstance(value, bool) and (least is None or int(value) >= least)
    if not fits:
        bound = "" if least is None else f" ≥ {least}"
        raise cn.ConfigError(f"{owner}: {name} must be an integer{bound}, not {value!r}", name=name, value=value)
