"""The activation in which one half of the features opens and closes the other."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_activations.settings import check_integer


class GLU(cn.Module):
    r"""Gated linear unit ``y = a σ(b)``, where ``a`` and ``b`` are the two halves of the input.

    With ``g = σ(b)``::

        da = dy g        db = dy a g (1 − g)        dx = (da, db)

    Args:
        dim: the dimension that is halved.

    Shape: ``(*, 2 n, *) -> (*, n, *)``, where 2 n is dimension ``dim``.

    Raises:
        ConfigError: ``dim`` is not an integer.
        ShapeError: the input has no such dimension, or it is odd.
        DTypeError: the input is not a floating-point tensor.

    >>> module = GLU()
    >>> module(torch.tensor([[2.0, 4.0, 0.0, 0.0]]))
    tensor([[1., 2.]])
    >>> module.backward(torch.tensor([[1.0, 1.0]]))
    tensor([[0.5000, 0.5000, 0.5000, 1.0000]])

    Reference: Y. Dauphin, A. Fan, M. Auli, D. Grangier, "Language modeling with gated convolutional networks",
    ICML 2017.
    """

    def __init__(self, dim: int = -1) -> None:
        check_integer("GLU", "dim", dim)
        self.dim = dim

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: the last dimension halved, and others."""
        others = [cn.Case({"dim": dim}, shape) for dim, shape in [(1, (2, 4, 3)), (-2, (3, 2, 5))]]
        return [cn.Case(shape=(5, 6)), cn.Case(shape=(1, 2)), *others]

    def forward(self, input: Tensor) -> Tensor:
        values, gate = input.chunk(2, self.dim)
        gate = torch.sigmoid(gate)
        self.save(values, gate)
        return values * gate

    def backward(self, grad_output: Tensor) -> Tensor:
        values, gate = self.saved()
        grad_values = grad_output * gate
        return torch.cat([grad_values, grad_values * values * (1 - gate)], self.dim)

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        if not -input.dim() <= self.dim < input.dim():
            raise cn.ShapeError(repr(self), input.shape, f"expected a dimension {self.dim}")
        if input.shape[self.dim] % 2:
            raise cn.ShapeError(repr(self), input.shape, f"expected an even number in dimension {self.dim}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.dim == -1 else self.dim})"
