"""What to say of a name that ``corenet`` does not have: where else it may be."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from contextlib import suppress

from corenet.errors import CorenetError, did_you_mean
from corenet.registry.registry import registry

NAMESPACES = ("nn", "optim", "functional")
OF_DATA = ("Dataset", "disk")


def where_else(name: str, known: Iterable[str]) -> str:
    """Return where ``name`` may be had, to put behind the message that it is not among the ``known`` ones.

    >>> where_else("ones_like_", ["ones_like"])
    " (did you mean 'ones_like'?)"
    >>> where_else("nn", ["Linear"])
    '; layers, losses and optimizers are in corenet itself, as corenet.Linear'
    """
    if name in NAMESPACES:
        return "; layers, losses and optimizers are in corenet itself, as corenet.Linear"
    if name in OF_DATA:
        return f"; it is corenet.data.{name}"
    if offered := _in_a_plugin(name):
        return f"; it is not built in, but installed: {offered}"
    suggestion = did_you_mean(name, known)
    if name[:1].isupper():
        return f"{suggestion}; it is not built in; corenet list-components shows every component that is installed"
    if not suggestion and hasattr(sys.modules.get("torch"), name):
        return f"; tensors and their functions are torch's: torch.{name}"
    return suggestion


def _in_a_plugin(name: str) -> str:
    """Return how to get the class called ``name`` of a plugin, or nothing; no plugin is imported."""
    component = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    with suppress(CorenetError):  # a strict registry refuses broken plugins, where a component is used
        for row in registry(static=True).components():
            if row.target and (row.name == component or row.target.rpartition(":")[2] == name):
                return f"corenet.get({row.kind!r}, {row.qualified_name!r})"
    return ""
