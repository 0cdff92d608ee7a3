"""What a data set can be made of: tensors of numbers, one row a point."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from corenet.contracts.several import Tensors
from corenet.errors import DataError, DTypeError, ShapeError


def refuse_unfit(inputs: Tensors, targets: Tensors) -> None:
    """Raise unless inputs and targets are finite numbers, as many rows of each.

    Raises:
        DTypeError: one is no dense tensor of real numbers.
        ShapeError: they differ in length.
        DataError: there is no point, or one that is not finite.
    """
    named = [*_named("inputs", inputs), *_named("targets", targets)]
    for name, tensor in named:
        if not isinstance(tensor, Tensor):
            raise DTypeError(f"Dataset takes tensors, got {type(tensor).__name__} as {name}; use torch.as_tensor")
    (_, first), *others = named
    if first.dim() == 0:
        raise ShapeError("Dataset", first.shape, "expected inputs of one row a point")
    for name, tensor in others:
        if tensor.dim() == 0 or len(tensor) != len(first):
            expected = f"expected {name} as long as the inputs {tuple(first.shape)}, one row a point"
            raise ShapeError("Dataset", tensor.shape, expected)
    if len(first) == 0:
        raise DataError("a Dataset needs at least one point, got none")
    for name, tensor in named:
        _refuse_non_finite(name, tensor)
    for name, tensor in _named("inputs", inputs):
        if tensor.is_complex():
            raise DTypeError(f"Dataset takes real numbers, got {tensor.dtype} as {name}; use torch.view_as_real")


def _named(name: str, value: object) -> list[tuple[str, Any]]:
    """Return tensors by their names in messages."""
    if not isinstance(value, tuple):
        return [(name, value)]
    if not value:
        raise DataError(f"a Dataset needs at least one tensor of {name}, got ()")
    return [(f"{name}[{place}]", each) for place, each in enumerate(value)]


def _refuse_non_finite(name: str, tensor: Tensor) -> None:
    if tensor.device.type == "meta" or tensor.layout != torch.strided:
        what = "on the meta device, which has no numbers" if tensor.device.type == "meta" else f"{tensor.layout}"
        raise DTypeError(f"Dataset takes dense tensors, and {name} is {what}")
    finite = tensor.isfinite()
    if not finite.all():
        count = int((~finite).sum())
        row = int((~finite).nonzero()[0, 0])
        raise DataError(f"{name} has {count} values that are infinite or not a number, the first in row {row}")
