"""Losses whose targets are class indices: what they ask of these, and of the weights of classes."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_losses.samples import Reduction, SampleLoss
from corenet_losses.settings import class_weight

INDICES = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


class ClassLoss(SampleLoss):
    """A loss of an input with a column for each class, and of a target that is the index of one."""

    class_dim = 1
    weight: cn.Buffer | None

    def __init__(self, weight: Tensor | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.weight = class_weight(type(self).__name__, weight)

    def predictions(self, output: Tensor) -> Tensor:
        """Return the index of the largest column, the first of several."""
        return output.argmax(dim_of_classes(output))

    def looked_up(self, input: Tensor, target: Tensor) -> Tensor:
        """Return class indices that can be looked up in ``input``.

        No index may lead out of a tensor: an engine asks :meth:`check_values` after the kernels of a whole step.
        """
        dim = dim_of_classes(input)
        return target.long().clamp(0, input.shape[dim] - 1).unsqueeze(dim)

    def weight_of(self, index: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the weight of each class index."""
        if self.weight is None:
            return torch.ones_like(index, dtype=dtype)
        return self.weight.to(dtype)[index]

    # What a subclass asks in its ``check`` and its ``check_values``.

    def check_points(self, input: Tensor, target: Tensor) -> None:
        """Raise unless the input has a column for each class, and the target an index for each point."""
        self.check_floating("input", input)
        if input.dim() == 0 or input.shape[dim_of_classes(input)] == 0:
            raise cn.ShapeError(f"{self!r}", input.shape, "expected (N, C, ...) with a column for each of C classes")
        self._check_kind(input, target)
        points = input.select(dim_of_classes(input), 0).shape
        if target.shape != points:
            raise cn.ShapeError(f"{self!r}: target", target.shape, f"expected class indices of shape {tuple(points)}")
        self.check_not_empty(target.numel(), input.shape)
        self._check_weight(input)

    def check_indices(self, input: Tensor, target: Tensor, counted: Tensor) -> None:
        """Raise unless those of ``target`` that are ``counted`` are indices of classes."""
        classes = input.shape[dim_of_classes(input)]
        wrong = target[counted & ((target < 0) | (target >= classes))]
        if wrong.numel():
            raise cn.RangeError(
                f"{self!r} takes class indices from 0 to {classes - 1}, as the input has {classes} classes; "
                f"got {wrong[0].item()}"
            )

    def _check_kind(self, input: Tensor, target: object) -> None:
        if not isinstance(target, Tensor):
            raise cn.DTypeError(f"{self!r} takes a torch.Tensor of class indices, got {target!r:.60} as target")
        if target.dtype not in INDICES:
            raise cn.DTypeError(f"{self!r} takes class indices, got {target.dtype} as target; use target.long()")
        if target.device != input.device:
            raise cn.DeviceError(f"{self!r} got input on {input.device} and target on {target.device}")

    def _check_weight(self, input: Tensor) -> None:
        classes = input.shape[dim_of_classes(input)]
        if self.weight is None:
            return
        if self.weight.device != input.device:
            raise cn.DeviceError(f"{self!r} has weight on {self.weight.device} and got input on {input.device}")
        if self.weight.shape != (classes,):
            expected = f"expected ({classes},), one for each class of the input"
            raise cn.ShapeError(f"{self!r}: weight", self.weight.shape, expected)


def dim_of_classes(input: Tensor) -> int:
    """Return the dimension with a column for each class: the second, or the only one.

    >>> dim_of_classes(torch.zeros(5, 3)), dim_of_classes(torch.zeros(3))
    (1, 0)
    """
    return min(1, input.dim() - 1)
