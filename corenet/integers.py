"""Counts and seeds that a user gives."""

from __future__ import annotations

from numbers import Integral

from corenet.errors import ConfigError


def integer(name: str, value: int) -> None:
    """Raise :class:`~corenet.ConfigError` if ``value`` is not an integer."""
    if not _is_integer(value):
        raise ConfigError(f"{name} must be an integer, not {value!r}", name=name, value=value)


def positive_integer(name: str, value: int) -> None:
    """Raise :class:`~corenet.ConfigError` if ``value`` is not an integer of at least 1."""
    if not _is_integer(value) or value < 1:
        raise ConfigError(f"{name} must be an integer ≥ 1, not {value!r}", name=name, value=value)


def _is_integer(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
