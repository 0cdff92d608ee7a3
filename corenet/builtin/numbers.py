"""Numbers that constructors are given, held to what they can be."""

from __future__ import annotations

from math import inf, isfinite
from numbers import Integral, Real

from corenet.errors import ConfigError


def check_count(owner: object, name: str, value: object, least: int = 1) -> None:
    """Refuse what is no integer of at least so much.

    >>> check_count("StepSchedule", "step_size", 2)
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < least:
        raise refusal(owner, name, value, f"an integer ≥ {least}")


def check_number(owner: object, name: str, value: object, least: float = 0.0, most: float = inf) -> None:
    """Refuse what is no finite number in an interval.

    >>> check_number("StepSchedule", "gamma", -0.5)
    Traceback (most recent call last):
    corenet.errors.ConfigError: StepSchedule: gamma must be a finite number ≥ 0, not -0.5
    """
    if not isinstance(value, Real) or not isfinite(value) or not least <= float(value) <= most:
        above = f" ≥ {least:g}" if most == inf else f" from {least:g} to {most:g}"
        raise refusal(owner, name, value, "a finite number" + ("" if least == -inf else above))


def check_positive(owner: object, name: str, value: object) -> None:
    """Refuse what is no finite number above 0."""
    if not isinstance(value, Real) or not isfinite(value) or float(value) <= 0:
        raise refusal(owner, name, value, "a finite number > 0")


def refusal(owner: object, name: str, value: object, wanted: str) -> ConfigError:
    """Return the error for an argument of a component, or of the class called ``owner``."""
    title = owner if isinstance(owner, str) else type(owner).__name__
    return ConfigError(f"{title}: {name} must be {wanted}, not {value!r:.80}", name=name, value=value)
