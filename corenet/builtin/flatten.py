"""Flatten: several dimensions in one."""

from __future__ import annotations

from math import prod
from typing import Any

from torch import Tensor

from corenet.contracts.case import Case
from corenet.contracts.module import Module
from corenet.errors import ConfigError, ShapeError


class Flatten(Module):
    r"""Several dimensions in one, ``(N, d₁, d₂, …) → (N, d₁ · d₂ · …)``; the gradient is unfolded again.

    Args:
        start_dim: the first of them; 1 keeps the batch apart.
        end_dim: the last of them; negative numbers count from the end.

    Shape: ``(N, d₁, d₂, …) -> (N, d₁ · d₂ · …)`` by default.

    Raises:
        ConfigError: a dimension is no integer.
        ShapeError: the input has no such dimension, or ``start_dim`` comes after ``end_dim``.

    >>> import torch
    >>> flatten = Flatten()
    >>> flatten(torch.zeros(5, 2, 3)).shape
    torch.Size([5, 6])
    >>> flatten.backward(torch.ones(5, 6)).shape
    torch.Size([5, 2, 3])

    Reference: I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 9.1.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        for name, value in (("start_dim", start_dim), ("end_dim", end_dim)):
            if type(value) is not int:
                raise ConfigError(f"Flatten: {name} must be an integer, not {value!r}", name=name, value=value)
        self.start_dim, self.end_dim = start_dim, end_dim

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that the gradient is verified on: all but the batch, some dimensions, nothing to do."""
        some = {"start_dim": -3, "end_dim": 2}
        return [Case({}, (2, 3, 4)), Case(some, (2, 3, 2, 2)), Case({}, (4, 3)), Case({"start_dim": 0}, (2, 3))]

    def forward(self, input: Tensor) -> Tensor:
        self.save(input.shape)
        output = input.reshape(self._flat(input.shape))
        return output.clone() if output.shape == input.shape else output  # in training, none returns its input

    def backward(self, grad_output: Tensor) -> Tensor:
        shape: Any
        (shape,) = self.saved()
        return grad_output.reshape(shape)

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        dims = input.dim()
        inside = all(-dims <= dim < dims for dim in (self.start_dim, self.end_dim))
        if not inside or self.start_dim % dims > self.end_dim % dims:
            raise ShapeError(repr(self), input.shape, f"expected dimensions from {self.start_dim} to {self.end_dim}")

    def _flat(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        start, end = self.start_dim % len(shape), self.end_dim % len(shape)
        return (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :])

    def __repr__(self) -> str:
        given = "" if (self.start_dim, self.end_dim) == (1, -1) else f"{self.start_dim}, {self.end_dim}"
        return f"{type(self).__name__}({given})"
