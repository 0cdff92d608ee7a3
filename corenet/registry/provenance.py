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
    return [_described(cls) for cls in dict.fromkeys(classes)]


def component_of(cls: type) -> Component | None:
    """Return the row of the component that a class is, or None if it is none."""
    for row in registry().components():
        if imported(row.target) is cls:  # a class that exists has been imported
            return row
    return None


def _described(cls: type) -> dict[str, str]:
    row = component_of(cls)
    named = {} if row is None else {"name": row.qualified_name, "version": row.version}
    return {"class": target_of(cls), **named}


def target_of(cls: type) -> str:
    """Return where a class says that it is, ``"package.module:Class"``."""
    return f"{cls.__module__}:{cls.__qualname__}"


def imported(target: str) -> Any:
    """Return what a target is, or None if it is not imported, or nowhere."""
    module, _, path = target.partition(":")
    return reduce(lambda found, name: getattr(found, name, None), path.split("."), sys.modules.get(module))
