"""From several tensors to one."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import corenet as cn
import torch
from torch import Tensor

from corenet_containers.drawing import normal


class Concat(cn.Module):
    r"""Several inputs joined along a dimension: ``y = [x₁, …, xₖ]``, with ``[dx₁, …, dxₖ] = dy``.

    Args:
        dim: the dimension along which they lie side by side; negative ones count from the last.

    Shape: ``(*, nᵢ, *)`` each, equal but for ``nᵢ``, to ``(*, Σᵢ nᵢ, *)``.

    Raises:
        ConfigError: ``dim`` is no integer.
        ShapeError: an input has not that dimension, or differs from the first in another one.
        DTypeError: an input has not the first one's dtype.

    >>> concat = Concat()
    >>> concat(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0]]))
    tensor([[1., 2., 3.]])
    >>> concat.backward(torch.tensor([[4.0, 5.0, 6.0]]))
    (tensor([[4., 5.]]), tensor([[6.]]))

    Reference: C. Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 5.
    """

    def __init__(self, dim: int = -1) -> None:
        _refuse_non_integer("Concat", "dim", dim)
        self.dim = dim

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: several inputs along several dimensions, and one."""
        return [
            cn.Case(inputs=normal((4, 2), (4, 3), (4, 1))),
            cn.Case(args=(1,), inputs=normal((3, 2, 2), (3, 1, 2))),
            cn.Case(args=(0,), inputs=normal((3, 2), (1, 2))),
            cn.Case(shape=(4, 3)),
        ]

    def forward(self, *inputs: Tensor) -> Tensor:
        self.save([input.shape[self.dim] for input in inputs])
        return torch.cat(inputs, self.dim)

    def backward(self, grad_output: Tensor) -> Any:
        (widths,) = self.saved()
        gradients = grad_output.split(widths, self.dim)
        return gradients if len(gradients) > 1 else gradients[0]

    def check(self, *inputs: Tensor) -> None:
        for place, input in enumerate(inputs):
            self.check_floating(input)
            name = f"{self!r}, input {place},"
            if not -input.dim() <= self.dim < input.dim():
                raise cn.ShapeError(name, input.shape, f"expected a dimension {self.dim}")
            if _without(input, self.dim) != _without(inputs[0], self.dim):
                expected = f"expected the shape {tuple(inputs[0].shape)} of the first but for dimension {self.dim}"
                raise cn.ShapeError(name, input.shape, expected)
            if input.dtype != inputs[0].dtype:
                raise cn.DTypeError(f"{name} is {input.dtype}, the first is {inputs[0].dtype}; convert one with .to()")

    def __repr__(self) -> str:
        return f"Concat({self.dim})"


class Select(cn.Module):
    r"""One of several inputs: ``y = xᵢ``, with ``dxᵢ = dy`` and zeros for the others, whatever their shapes.

    In a chain it comes after a module with several outputs, only one of which goes on.

    Args:
        index: i, from 0; negative ones count from the last.

    Shape: any for each input, unchanged.

    Raises:
        ConfigError: ``index`` is no integer.
        StructureError: there is no such input.

    >>> select = Select(1)
    >>> select(torch.tensor([1.0]), torch.tensor([2.0, 3.0]))
    tensor([2., 3.])
    >>> select.backward(torch.tensor([4.0, 5.0]))
    (tensor([0.]), tensor([4., 5.]))

    Reference: the gradient of a coordinate; I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016,
    section 6.5.
    """

    def __init__(self, index: int) -> None:
        _refuse_non_integer("Select", "index", index)
        self.index = index

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: the first, the last and one between, and the only one."""
        shapes = (4, 2), (4, 3, 1), (4,)
        return [cn.Case(args=(index,), inputs=normal(*shapes)) for index in (0, 1, -1)] + [cn.Case(args=(0,))]

    def forward(self, *inputs: Tensor) -> Tensor:
        self.save(*inputs)
        return inputs[self.index].clone()

    def backward(self, grad_output: Tensor) -> Any:
        gradients: list[Tensor | None] = [_zeros(input) for input in self.saved()]
        gradients[self.index] = grad_output
        return tuple(gradients) if len(gradients) > 1 else grad_output

    def check(self, *inputs: Tensor) -> None:
        if not -len(inputs) <= self.index < len(inputs):
            raise cn.StructureError(f"{self!r} got {len(inputs)} inputs, none at index {self.index}")
        self.check_floating(inputs[self.index])

    def __repr__(self) -> str:
        return f"Select({self.index})"


def _refuse_non_integer(owner: str, name: str, value: object) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise cn.ConfigError(f"{owner}: {name} must be an integer, not {value!r}", name=name, value=value)


def _without(input: Tensor, dim: int) -> list[int]:
    """Return the sizes of all dimensions but one."""
    sizes = list(input.shape)
    del sizes[dim]
    return sizes


def _zeros(input: Tensor) -> Tensor | None:
    return torch.zeros_like(input) if input.is_floating_point() else None
