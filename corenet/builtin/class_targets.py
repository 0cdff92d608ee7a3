"""Targets that say which class it is, as indices or as probabilities of all: which of them a loss takes."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.several import refuse_several
from corenet.errors import ConfigError, DeviceError, DTypeError, RangeError, ShapeError


def dim_of_classes(input: Tensor) -> int:
    """Return the dimension of logits that has a column for each class: the second, or the only one.

    >>> dim_of_classes(torch.zeros(5, 3)), dim_of_classes(torch.zeros(3))
    (1, 0)
    """
    return min(1, input.dim() - 1)


def check_logits(loss: Loss, input: object) -> None:
    """Raise unless ``input`` is a floating-point tensor with a column for each class."""
    refuse_several(loss, "input", input)
    if not isinstance(input, Tensor) or not input.is_floating_point():
        found = input.dtype if isinstance(input, Tensor) else type(input).__name__
        raise DTypeError(f"{loss!r} takes floating-point tensors, got {found} as input; use input.float()")
    if input.requires_grad:
        raise ConfigError(f"{loss!r} got input that requires grad; corenet derives by hand: use input.detach()")
    if input.dim() == 0 or input.shape[dim_of_classes(input)] == 0:
        raise ShapeError(f"{loss!r}", input.shape, "expected (N, C, ...) with a column for each of C classes, or (C,)")


def check_target(loss: Loss, input: Tensor, target: object) -> None:
    """Raise unless ``target`` has a class index for each point of ``input``, or a probability for each element."""
    refuse_several(loss, "target", target)
    if not isinstance(target, Tensor) or target.is_complex() or target.dtype is torch.bool:
        found = target.dtype if isinstance(target, Tensor) else type(target).__name__
        raise DTypeError(f"{loss!r} takes class indices or probabilities, got {found} as target; use target.long()")
    if target.device != input.device:
        raise DeviceError(f"{loss!r} got input on {input.device} and target on {target.device}")
    if target.is_floating_point():
        if target.shape != input.shape:
            expected = (
                f"expected probabilities in the input's shape {tuple(input.shape)}, or class indices: target.long()"
            )
            raise ShapeError(f"{loss!r}: target", target.shape, expected)
        if target.dtype != input.dtype:
            raise DTypeError(f"{loss!r} got {input.dtype} input and {target.dtype} target; convert one with .to()")
    elif tuple(target.shape) != (points := (*input.shape[: dim_of_classes(input)], *input.shape[2:])):
        hint = ", or class probabilities: target.to(input.dtype)" if target.shape == input.shape else ""
        raise ShapeError(f"{loss!r}: target", target.shape, f"expected class indices of shape {points}{hint}")


def check_class_weight(loss: Loss, weight: Tensor | None, input: Tensor) -> None:
    """Raise unless ``weight`` has a number for each class, where the input is."""
    classes = input.shape[dim_of_classes(input)]
    if weight is None:
        return
    if weight.shape != (classes,):
        raise ShapeError(f"{loss!r}: weight", weight.shape, f"expected ({classes},), one for each class of the input")
    if weight.device != input.device:
        raise DeviceError(f"{loss!r} has weight on {weight.device} and got input on {input.device}")


def check_indices(loss: Loss, counted: Tensor, classes: int) -> None:
    """Raise :class:`~corenet.RangeError` unless each of ``counted`` is the index of a class."""
    wrong = counted[(counted < 0) | (counted >= classes)]
    if len(wrong):
        raise RangeError(
            f"{loss!r} takes class indices from 0 to {classes - 1}, as the input has {classes} classes, "
            f"or ignore_index={loss.ignore_index}; got {wrong[0].item()}"
        )
