"""Which component a class is: what a file records, so that its reader knows what to install."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import reduce
from typing import Any

from corenet.registry.registry import registry
from corenet.registry.spec import Component


def provenance(classes: Iterable[type]) -> list[dict[str, str]]:
    """Return where each class is from: qualified name and version; of one that is no component, the class alone.

    >>> import corenet as cn
    >>> provenance([cn.Linear])
    [{'class': 'corenet.builtin.linear:Linear', 'name': 'corenet:linear', 'version': '0.2.0'}]
    """
    rows = registry().components()
    return [_described(cls, rows) for cls in dict.fromkeys(classes)]


def _described(cls: type, rows: Iterable[Component]) -> dict[str, str]:
    described = {"class": target_of(cls)}
    for row in rows:
        if imported(row.target) is cls:  # a class that exists has been imported
            return {**described, "name": row.qualified_name, "version": row.version}
    return described


def target_of(cls: type) -> str:
    """Return where a class says that it is, ``"package.module:Class"``."""
    return f"{cls.__module__}:{cls.__qualname__}"


def imported(target: str) -> Any:
    """Return what a target is, or None if it is not imported, or nowhere."""
    module, _, path = target.partition(":")
    return reduce(lambda found, name: getattr(found, name, None), path.split("."), sys.modules.get(module))
