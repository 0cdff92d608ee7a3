"""Which components there are, and where they come from. Imports no torch.

What plugins need is resolved when first used, so that who only looks at metadata imports no pluggy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corenet.registry.hookspecs import hookimpl
    from corenet.registry.spec import ComponentSpec, ExperimentSpec

__all__ = ["ComponentSpec", "ExperimentSpec", "hookimpl"]


_HOMES = {
    "ComponentSpec": "corenet.registry.spec",
    "ExperimentSpec": "corenet.registry.spec",
    "hookimpl": "corenet.registry.hookspecs",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corenet.registry' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
