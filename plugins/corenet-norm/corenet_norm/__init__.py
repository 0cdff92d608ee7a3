"""Batch, layer, group, instance and RMS normalisation for corenet.

Names are resolved when first used, so that listing the components imports no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corenet_norm.batch_norm import BatchNorm1d as BatchNorm1d
    from corenet_norm.batch_norm import BatchNorm2d as BatchNorm2d
    from corenet_norm.group_norm import GroupNorm as GroupNorm
    from corenet_norm.instance_norm import InstanceNorm2d as InstanceNorm2d
    from corenet_norm.layer_norm import LayerNorm as LayerNorm
    from corenet_norm.rms_norm import RMSNorm as RMSNorm

_HOMES = {
    "BatchNorm1d": "batch_norm",
    "BatchNorm2d": "batch_norm",
    "GroupNorm": "group_norm",
    "InstanceNorm2d": "instance_norm",
    "LayerNorm": "layer_norm",
    "RMSNorm": "rms_norm",
}
__all__ = list(_HOMES)  # noqa: PLE0604 - the names above


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corenet_norm' has no attribute {name!r}")
    return getattr(import_module(f"corenet_norm.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
