"""What a target is: imported, and held against the contract of its kind."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from corenet.registry.collect import UnusableTargetError
from corenet.registry.spec import EXPERIMENT, Component, Kind

CONTRACTS: dict[Kind, str] = {
    "module": "corenet.contracts.module:Module",
    "loss": "corenet.contracts.loss:Loss",
    "optimizer": "corenet.contracts.optimizer:Optimizer",
    "schedule": "corenet.contracts.schedule:Schedule",
    "metric": "corenet.contracts.metric:Metric",
    "callback": "corenet.contracts.callback:Callback",
    "initializer": "corenet.contracts.initializer:Initializer",
}
READER = "corenet.experiments.experiment:announced"  # of experiments, which are files


def load(row: Component) -> Any:
    """Return the class of a component, imported now, or an experiment, read now.

    Raises:
        UnusableTargetError: it is none of its kind; its import may raise anything.
    """
    assert row.kind != "plugin", "it has no target"
    if row.kind == EXPERIMENT:
        return imported_now(READER)(row)
    found = imported_now(row.target)
    contract = imported_now(CONTRACTS[row.kind])
    if not (isinstance(found, type) and issubclass(found, contract)):
        raise UnusableTargetError("wrong_kind", f"{row.target} is not {_named(contract)}", contract.__name__)
    return found


def imported_now(target: str) -> Any:
    """Return what ``"package.module:Class"`` is, importing its module."""
    module, _, path = target.partition(":")
    found: Any = import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _named(contract: type) -> str:
    """Return ``a Module``, ``an Optimizer``."""
    return f"{article(contract.__name__)} {contract.__name__}"


def article(noun: str) -> str:
    """Return the indefinite article of a kind.

    >>> article("module"), article("Initializer")
    ('a', 'an')
    """
    return "an" if noun[:1].lower() in "aeiou" else "a"
