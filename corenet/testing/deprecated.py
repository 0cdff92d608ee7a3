"""The names of version 0.1 that ``check_component`` and ``gradcheck`` have replaced; they go in a later version."""

from __future__ import annotations

from typing import Any

from corenet.errors import CorenetError
from corenet.registry.registry import components, get
from corenet.testing.conformance import check_component
from corenet.testing.report import Report


def prove(cls: type, name: str = "", seed: int = 0) -> Report:
    """Do what ``check_component`` does."""
    return check_component(cls, name=name, seed=seed)


def prove_all(seed: int = 0) -> list[Report]:
    """Check every module and loss that is installed and can be built."""
    reports = []
    for row in components():
        if row.kind in ("module", "loss") and row.usable:
            try:
                reports.append(prove(get(row.kind, row.qualified_name), row.qualified_name, seed))
            except CorenetError:
                continue
    return reports


REPLACED: dict[str, tuple[str, Any]] = {
    "prove": ("check_component, or gradcheck for the gradient alone", prove),
    "prove_all": ("check_component on each component, or the command corenet check --all", prove_all),
    "Proof": ("Report, which check_component returns", Report),
}
