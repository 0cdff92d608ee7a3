"""What most modules ask of an input."""

from __future__ import annotations

from torch import Tensor

from corenet.errors import ConfigError, DeviceError, DTypeError


class InputChecks:
    """The questions that a module's ``check`` may ask."""

    def check_floating(self, input: Tensor) -> None:
        """Raise :class:`~corenet.DTypeError` unless ``input`` is a floating-point tensor."""
        if not isinstance(input, Tensor):
            raise DTypeError(f"{self!r} takes a torch.Tensor, got {type(input).__name__}")
        if not input.is_floating_point():
            raise DTypeError(f"{self!r} takes floating-point input, got {input.dtype}; use input.float()")
        if input.requires_grad:
            raise ConfigError(f"{self!r} got input that requires grad; corenet derives by hand: use input.detach()")

    def check_matches(self, input: Tensor, parameter: Tensor) -> None:
        """Raise unless ``input`` has the dtype and the device of ``parameter``."""
        if input.dtype != parameter.dtype:
            raise DTypeError(
                f"{self!r} has {parameter.dtype} parameters and got {input.dtype} input; "
                f"use input.to({parameter.dtype}) or model.to(dtype={input.dtype})"
            )
        if input.device != parameter.device:
            raise DeviceError(
                f"{self!r} is on {parameter.device} and got input on {input.device}; use model.to(device=...)"
            )
