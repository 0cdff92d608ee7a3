"""What no component can compute with, and what to call it: asked only once something went wrong."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from corenet.errors import ConfigError, DeviceError, DTypeError


def refuse_unusable(owner: object, values: Iterable[object]) -> None:
    """Raise if one of ``values`` is no dense tensor of numbers, or if they are not all on one device.

    Raises:
        ConfigError: it requires a gradient of torch's.
        DTypeError: it is no tensor, or a sparse or quantized one.
        DeviceError: it is on the ``meta`` device, which has no numbers, or the devices differ.

    >>> refuse_unusable("Tanh()", [torch.eye(2).to_sparse()])
    Traceback (most recent call last):
    corenet.errors.DTypeError: Tanh() got a tensor of torch.sparse_coo; use .to_dense()
    """
    devices = set()
    for value in values:
        if not isinstance(value, Tensor):
            raise DTypeError(f"{owner!s} takes torch.Tensors, got {type(value).__name__}")
        if value.layout != torch.strided or value.is_quantized:
            what, use = ("quantized", "dequantize") if value.is_quantized else (value.layout, "to_dense")
            raise DTypeError(f"{owner!s} got a tensor of {what}; use .{use}()")
        if value.requires_grad:
            raise ConfigError(f"{owner!s} got a tensor that requires grad; corenet derives by hand: use .detach()")
        devices.add(value.device)
    if torch.device("meta") in devices:
        raise DeviceError(f"{owner!s} got a tensor on the meta device, which has no numbers")
    if len(devices) > 1:
        raise DeviceError(
            f"{owner!s} got tensors on {' and '.join(sorted(map(str, devices)))}; move them to one device"
        )
