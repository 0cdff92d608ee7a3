"""What an argument means that may be the name of a component: ``init="he_normal"``, ``metrics=["f1"]``."""

from __future__ import annotations

from functools import cache
from typing import Any

from corenet.errors import ConfigError, UnknownComponentError
from corenet.registry.registry import builtins, registry
from corenet.registry.spec import Kind


def made(kind: Kind, value: Any, argument: str) -> Any:
    """Return a new component if ``value`` is the name of one, plain or qualified; else ``value`` itself.

    Raises:
        UnknownComponentError: no component of the kind has the name.
        ConfigError: its constructor needs arguments, so that its name alone does not tell what is meant.

    >>> import corenet as cn
    >>> type(made("initializer", "he_normal", "init")) is cn.HeNormal
    True
    """
    if not isinstance(value, str):
        return value
    cls = class_of(kind, value)
    try:
        return cls()
    except TypeError as error:
        raise ConfigError(
            f"{argument}: {kind} {value!r} cannot be made by its name alone ({error}); give {cls.__name__}(...)",
            name=argument,
            value=value,
        ) from error


def class_of(kind: Kind, name: str) -> type:
    """Return the class of a name. A built-in one is found without a look at any plugin, which cannot have its name.

    Raises:
        UnknownComponentError: no component of the kind has the name.

    >>> import corenet as cn
    >>> class_of("optimizer", "adam") is cn.Adam
    True
    """
    return _builtin(kind, name) or registry().get(kind, name)


@cache  # they stay what they are, and a search makes hundreds of each
def _builtin(kind: Kind, name: str) -> type | None:
    try:
        return builtins().get(kind, name)
    except UnknownComponentError:
        return None
