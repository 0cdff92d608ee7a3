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
    [{'class': 'corenet.builtin.linear:Linear', 'name': 'corenet:linear', 'version': '0.1.0'}]
    """
    rows = registry().components()
    return [_described(cls, rows) for cls in dict.fromkeys(classes)]


def _described(cls: type, rows: Iterable[Component]) -> dict[str, str]:
    described = {"class": f"{cls.__module__}:{cls.__qualname__}"}
    for row in rows:
        if row.target and _target_of(row) is cls:
            return {**described, "name": row.qualified_name, "version": row.version}
    return described


def _target_of(row: Component) -> Any:
    """Return what a row's target is, if it is imported already; a class in hand has been."""
    module, _, path = row.target.partition(":")
    return reduce(lambda found, name: getattr(found, name, None), path.split("."), sys.modules.get(module))
