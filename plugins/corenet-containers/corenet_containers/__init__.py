"""Modules made of modules. Names are resolved when first used, so that listing the components imports no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corenet_containers.joining import Concat as Concat
    from corenet_containers.joining import Select as Select
    from corenet_containers.joint_loss import JointLoss as JointLoss
    from corenet_containers.repeat import Repeat as Repeat
    from corenet_containers.residual import Residual as Residual
    from corenet_containers.side_by_side import Branches as Branches
    from corenet_containers.side_by_side import Parallel as Parallel

_HOMES = {
    "Branches": "side_by_side",
    "Concat": "joining",
    "JointLoss": "joint_loss",
    "Parallel": "side_by_side",
    "Repeat": "repeat",
    "Residual": "residual",
    "Select": "joining",
}
__all__ = list(_HOMES)  # noqa: PLE0604 - the names above


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corenet_containers' has no attribute {name!r}")
    return getattr(import_module(f"corenet_containers.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
