"""Arguments of another kind than is asked for, refused where they are given."""

from __future__ import annotations

from typing import Any

from corenet.errors import ConfigError


def refuse_other_kind(caller: str, value: object, kind: Any, wanted: str) -> None:
    """Raise :class:`~corenet.ConfigError` unless ``value`` is of a kind, which ``wanted`` describes.

    >>> refuse_other_kind("fit", "x", int, "a number")
    Traceback (most recent call last):
    corenet.errors.ConfigError: fit takes a number, not str
    """
    if not isinstance(value, kind):
        raise ConfigError(f"{caller} takes {wanted}, not {described(value, kind)}", value=value)


def described(value: object, kind: Any) -> str:
    """Return what a value is, in a few words, and what makes the right one of a class."""
    if isinstance(value, type):
        return f"the class {value.__name__}" + (f"; write {value.__name__}(...)" if issubclass(value, kind) else "")
    name = type(value).__name__ if value is not None else "None"
    return f"{type(value).__module__}.{name}" if type(value).__module__ != "builtins" else name
