"""One dimension as several: rows of numbers as images."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import corenet as cn
from torch import Tensor

from corenet_conv.sizes import is_integer


class Unflatten(cn.Module):
    r"""One dimension as several, ``(N, d₁ · d₂ · …) → (N, d₁, d₂, …)``; the gradient is flattened again.

    Args:
        dim: the dimension; negative numbers count from the end.
        unflattened_size: the sizes in its place, of which one may be -1: what is left for it.

    Shape: ``(N, d₁ · d₂ · …) -> (N, d₁, d₂, …)`` with ``dim=1``.

    Raises:
        ConfigError: ``dim`` is no integer, or ``unflattened_size`` not several.
        ShapeError: the input has no such dimension, or one of another size.

    >>> import torch
    >>> unflatten = Unflatten(1, (1, 8, 8))
    >>> unflatten(torch.zeros(5, 64)).shape
    torch.Size([5, 1, 8, 8])
    >>> unflatten.backward(torch.ones(5, 1, 8, 8)).shape
    torch.Size([5, 64])

    Reference: I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 9.1.
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        if not is_integer(dim, None):
            raise cn.ConfigError(f"Unflatten: dim must be an integer, not {dim!r}", name="dim", value=dim)
        if not _are_sizes(unflattened_size):
            rule = f"must be integers ≥ 0, of which one may be -1, not {unflattened_size!r}"
            raise cn.ConfigError(f"Unflatten: unflattened_size {rule}", name="unflattened_size", value=unflattened_size)
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: an image, a size that is left open, any dimension."""
        cases = (((1, (1, 2, 3)), (4, 6)), ((1, (2, -1)), (4, 6, 2)), ((-2, (3, 2)), (2, 6, 3)))
        return [cn.Case({"dim": dim, "unflattened_size": size}, shape) for (dim, size), shape in cases]

    def forward(self, input: Tensor) -> Tensor:
        self.save(input.shape)
        before = self.dim % input.dim()
        output = input.reshape(*input.shape[:before], *self._sizes_of(input), *input.shape[before + 1 :])
        return output.clone() if output.shape == input.shape else output  # in training, none returns its input

    def backward(self, grad_output: Tensor) -> Tensor:
        shape: Any
        (shape,) = self.saved()
        return grad_output.reshape(shape)

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        known = prod([size for size in self.unflattened_size if size >= 0])
        if not -input.dim() <= self.dim < input.dim():
            raise cn.ShapeError(repr(self), input.shape, f"expected a dimension {self.dim}")
        size, is_open = input.shape[self.dim], -1 in self.unflattened_size
        if (known == 0 or size % known) if is_open else size != known:
            several = f"a multiple of {known}" if is_open else str(known)
            raise cn.ShapeError(repr(self), input.shape, f"expected {several} in dimension {self.dim}")

    def _sizes_of(self, input: Tensor) -> list[int]:
        left = input.shape[self.dim] // max(prod([size for size in self.unflattened_size if size >= 0]), 1)
        return [left if size == -1 else size for size in self.unflattened_size]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dim}, {self.unflattened_size})"


def _are_sizes(value: object) -> bool:
    if not isinstance(value, Sequence) or not value or not all(is_integer(each, -1) for each in value):
        return False
    return list(value).count(-1) <= 1
