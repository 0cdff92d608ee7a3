"""Which components there are, and where they come from. Imports no torch."""

from __future__ import annotations

from corenet.registry.hookspecs import hookimpl
from corenet.registry.spec import ComponentSpec

__all__ = ["ComponentSpec", "hookimpl"]
