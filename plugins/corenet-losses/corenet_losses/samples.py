"""Losses that are made of one value for each sample, not for each element."""

from __future__ import annotations

from typing import Literal

import corenet as cn
import torch
from torch import Tensor

from corenet_losses.settings import check_choice

Reduction = Literal["mean", "sum", "none"]
REDUCTIONS: tuple[Reduction, ...] = ("mean", "sum", "none")


class SampleLoss(cn.Loss):
    """A loss ``L = reduce(ℓₙ)`` made of one value for each sample.

    A subclass computes the values ``ℓ`` and hands them to :meth:`reduce`; in ``backward`` it multiplies the
    derivative of each by :meth:`share`, 1/N in a mean. Half precision is computed and reduced in float32.
    """

    checks_points_alone = True
    reduction: Reduction

    def __init__(self, reduction: Reduction = "mean") -> None:
        check_choice(type(self).__name__, "reduction", reduction, REDUCTIONS)
        self.reduction = reduction

    def reduce(self, values: Tensor) -> Tensor:
        """Return the mean or the sum of the values, or these."""
        if self.reduction == "mean":
            return values.mean()
        return values.sum() if self.reduction == "sum" else values

    def share(self, count: int) -> float:
        """Return the derivative of the loss by the value of each of ``count`` samples."""
        return 1 / count if self.reduction == "mean" else 1.0

    def check_tuple(self, input: object, names: tuple[str, ...]) -> None:
        """Raise unless the input is a tuple of so many."""
        if not isinstance(input, tuple) or len(input) != len(names):
            found = f"a tuple of {len(input)}" if isinstance(input, tuple) else "none"
            raise cn.StructureError(f"{self!r} takes a tuple ({', '.join(names)}) as input, got {found}")

    def check_floating(self, name: str, tensor: object) -> None:
        """Raise unless an input is a floating-point tensor without a history."""
        if not isinstance(tensor, Tensor):
            found = f"a tuple of {len(tensor)}" if isinstance(tensor, tuple) else type(tensor).__name__
            raise cn.DTypeError(f"{self!r} takes one torch.Tensor as {name}, got {found}")
        if not tensor.is_floating_point():
            raise cn.DTypeError(f"{self!r} takes floating-point {name}, got {tensor.dtype}; use {name}.float()")
        if tensor.requires_grad:
            raise cn.ConfigError(
                f"{self!r} got {name} that requires grad; corenet derives by hand: use {name}.detach()"
            )

    def check_alike(self, name: str, tensor: Tensor, other_name: str, other: Tensor) -> None:
        """Raise unless two tensors have one dtype, device and shape."""
        if tensor.dtype != other.dtype:
            raise cn.DTypeError(
                f"{self!r} got {other.dtype} {other_name} and {tensor.dtype} {name}; convert one by .to()"
            )
        if tensor.device != other.device:
            raise cn.DeviceError(f"{self!r} got {other_name} on {other.device} and {name} on {tensor.device}")
        if tensor.shape != other.shape:
            expected = f"expected the shape of {other_name}, {tuple(other.shape)}"
            raise cn.ShapeError(f"{self!r}: {name}", tensor.shape, expected)

    def check_not_empty(self, count: int, shape: torch.Size) -> None:
        """Raise if the mean over no sample is asked for."""
        if self.reduction == "mean" and count == 0:
            raise cn.ShapeError(f"{self!r}", shape, "the mean of an empty batch is undefined")


def at_least_float32(tensor: Tensor) -> Tensor:
    """Return a tensor in the precision that a loss is computed in: float32 for one in half precision."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
