"""Which devices are there."""

from __future__ import annotations

import torch

from corenet.errors import DeviceError


def usable(device: torch.device | str | None) -> torch.device | None:
    """Return ``device``, or None for None, after trying it.

    Raises:
        DeviceError: torch knows no such device, it is not in this machine, or holds no numbers.

    >>> usable("cpu")
    device(type='cpu')
    """
    if device is None:
        return None
    try:
        one = torch.ones((), device=device)
        one.item()  # a tensor on the meta device has no number to give
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise DeviceError(f"there is no device {device!s} here: {reason}; use device='cpu'") from error
    return one.device
