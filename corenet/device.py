"""Devices and dtypes: which of them can be used."""

from __future__ import annotations

import torch

from corenet.errors import DeviceError, DTypeError


def placement(
    device: torch.device | str | int | torch.dtype | None, dtype: torch.dtype | None = None
) -> tuple[torch.device | None, torch.dtype | None]:
    """Return the device and the dtype that the arguments of ``to()`` mean, None for what is to stay.

    As in PyTorch: a device, a dtype, or a device and a dtype.

    Raises:
        DTypeError: the dtype is not a floating-point one, or there are two.
        DeviceError: the device cannot be used.

    >>> placement(torch.float64)
    (None, torch.float64)
    >>> placement("cpu", torch.float64)
    (device(type='cpu'), torch.float64)
    """
    if isinstance(device, torch.dtype):
        if dtype is not None:
            raise DTypeError(f"to() got two dtypes, {device} and {dtype}; give one")
        device, dtype = None, device
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        given = dtype if isinstance(dtype, torch.dtype) else type(dtype).__name__
        raise DTypeError(f"to() needs a floating torch.dtype such as torch.float64, not {given}")
    return usable(device), dtype


def usable(device: torch.device | str | int | None) -> torch.device | None:
    """Return ``device``, or None for None, after trying it.

    Raises:
        DeviceError: it is no device but, say, a tensor; torch knows no such device, this machine has none, or it
            stores no numbers.

    >>> usable("cpu")
    device(type='cpu')
    """
    if device is None:
        return None
    if not isinstance(device, (torch.device, str, int, float)):  # the repr of anything else may fill pages
        kind = type(device).__name__
        raise DeviceError(f"a {kind} is no device; use its .device and .dtype if it has them, or a name such as 'cpu'")
    try:
        one = torch.ones((), device=device)
        one.item()  # a tensor on the meta device has no number to give
    except (RuntimeError, AssertionError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise DeviceError(f"there is no device {device!s} here: {reason}; use device='cpu'") from error
    return one.device
