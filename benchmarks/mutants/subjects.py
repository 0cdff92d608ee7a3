"""The right components of which mutants are made."""

from __future__ import annotations

from benchmarks.mutants import curves, losses, maps, optimizers, rows, several
from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.registry.registry import registry

BASES = (curves.Curve, optimizers.Rule)


def subjects() -> list[type]:
    """Return the built-in components and those of this folder."""
    found = [registry().get(row.kind, row.name) for row in registry().components() if row.distribution == "corenet"]
    for module in (curves, rows, maps, several, losses, optimizers):
        own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
        found += [each for each in own if each not in BASES and issubclass(each, Module | Loss | Optimizer)]
    return found
