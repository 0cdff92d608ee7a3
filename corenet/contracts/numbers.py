"""Numbers that a user gives, checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real

from corenet.errors import ConfigError

StepFactor = Callable[[int], float]


def finite(name: str, value: float) -> float:
    """Return ``value`` as a float, or refuse it if it is infinite or not a number."""
    if not isinstance(value, Real) or not math.isfinite(value):
        raise ConfigError(f"{name} must be a finite number, not {value!r}", name=name, value=value)
    return float(value)


def non_negative(name: str, value: float) -> float:
    """Return ``value`` as a float, or refuse it if it is negative or not finite.

    >>> non_negative("lr", -1)
    Traceback (most recent call last):
    corenet.errors.ConfigError: lr must be at least 0, not -1
    """
    number = finite(name, value)
    if number < 0:
        raise ConfigError(f"{name} must be at least 0, not {value!r}", name=name, value=value)
    return number


def positive(name: str, value: float) -> float:
    """Return ``value`` as a float, or refuse it if it is not above 0 or not finite."""
    number = finite(name, value)
    if number <= 0:
        raise ConfigError(f"{name} must be above 0, not {value!r}", name=name, value=value)
    return number


def switch(name: str, value: bool) -> bool:
    """Return True or False, or refuse what is neither."""
    if not isinstance(value, bool):
        raise ConfigError(f"{name} must be True or False, not {value!r:.80}", name=name, value=value)
    return value


def factor(schedule: StepFactor, step: int) -> float:
    """Return what ``schedule`` multiplies the learning rate of a step by.

    Raises:
        ConfigError: that is negative, infinite or not a number.

    >>> factor(lambda step: 1 - step, 3)
    Traceback (most recent call last):
    corenet.errors.ConfigError: the schedule gives -2 at step 3; it must give a finite number of at least 0
    """
    value = schedule(step)
    if not isinstance(value, Real) or not math.isfinite(value) or value < 0:
        text = f"the schedule gives {value!r:.80} at step {step}; it must give a finite number of at least 0"
        raise ConfigError(text, name="schedule", value=value)
    return float(value)
