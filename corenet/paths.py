"""Paths that a user gives."""

from __future__ import annotations

import os
from pathlib import Path

from corenet.errors import ConfigError


def path_of(caller: str, value: object) -> Path:
    """Return the path that ``value`` is.

    Raises:
        ConfigError: it is none.

    >>> path_of("load", 3)
    Traceback (most recent call last):
    corenet.errors.ConfigError: load takes a path, as a string or a pathlib.Path, not 3
    """
    name = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(name, str) or "\0" in name:
        wanted = "a path, as a string or a pathlib.Path"
        raise ConfigError(f"{caller} takes {wanted}, not {value!r:.80}", name="path", value=value)
    return Path(name)
