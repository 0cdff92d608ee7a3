"""The constants that the values of a loss are multiplied by, such as ``weight``: which there may be, of what shape."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from corenet.contracts.parameter import Buffer
from corenet.errors import ConfigError, DeviceError, RangeError, ShapeError


def constant(name: str, value: Any) -> Buffer | None:
    """Return a copy of ``value``, which moves with the loss, and which no later change of it reaches.

    None is a factor of 1.

    Raises:
        ConfigError: it is neither a floating-point tensor nor None.
        RangeError: it is not finite everywhere.
    """
    if value is None:
        return None
    if not isinstance(value, Tensor) or not value.is_floating_point():
        given = f"a tensor of {value.dtype}" if isinstance(value, Tensor) else repr(value)
        raise ConfigError(f"{name} must be a floating-point tensor or None, not {given}", name=name, value=value)
    if not bool(value.isfinite().all()):
        raise RangeError(f"{name} must be finite, got {value[~value.isfinite()][0].item()}")
    return Buffer(value)


def check_broadcasts(loss: object, name: str, constant: Tensor | None, input: Tensor) -> None:
    """Raise unless the values of a loss on ``input`` keep their shape when they are multiplied by a constant.

    Raises:
        DeviceError: it is on another device than the input.
        ShapeError: it does not broadcast to the input's shape.
    """
    if constant is None:
        return
    if constant.device != input.device:
        raise DeviceError(f"{loss!r} has {name} on {constant.device} and got input on {input.device}")
    # Not by torch.broadcast_shapes, which imports sympy: that takes seconds.
    sizes = zip(reversed(constant.shape), reversed(input.shape), strict=False)
    if constant.dim() > input.dim() or any(own not in (1, size) for own, size in sizes):
        raise ShapeError(f"{loss!r}: {name}", constant.shape, f"it must broadcast to the input's {tuple(input.shape)}")
