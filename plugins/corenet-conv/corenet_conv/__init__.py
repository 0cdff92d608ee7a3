"""Convolution, pooling, padding and upsampling for corenet.

Names are resolved when first used, so that listing the components imports no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corenet_conv.avg_pool import AdaptiveAvgPool2d as AdaptiveAvgPool2d
    from corenet_conv.avg_pool import AvgPool2d as AvgPool2d
    from corenet_conv.conv import Conv1d as Conv1d
    from corenet_conv.conv import Conv2d as Conv2d
    from corenet_conv.conv_transpose import ConvTranspose2d as ConvTranspose2d
    from corenet_conv.max_pool import MaxPool1d as MaxPool1d
    from corenet_conv.max_pool import MaxPool2d as MaxPool2d
    from corenet_conv.unflatten import Unflatten as Unflatten
    from corenet_conv.upsample import Upsample as Upsample
    from corenet_conv.zero_pad import ZeroPad2d as ZeroPad2d

_HOMES = {
    "AdaptiveAvgPool2d": "avg_pool",
    "AvgPool2d": "avg_pool",
    "Conv1d": "conv",
    "Conv2d": "conv",
    "ConvTranspose2d": "conv_transpose",
    "MaxPool1d": "max_pool",
    "MaxPool2d": "max_pool",
    "Unflatten": "unflatten",
    "Upsample": "upsample",
    "ZeroPad2d": "zero_pad",
}
__all__ = list(_HOMES)  # noqa: PLE0604 - the names above


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'corenet_conv' has no attribute {name!r}")
    return getattr(import_module(f"corenet_conv.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
