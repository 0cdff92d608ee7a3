"""Softmax and its logarithm: numbers as the probabilities of classes."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.contracts.case import Case
from corenet.contracts.module import Module
from corenet.errors import ConfigError, ShapeError


class OverOneDimension(Module):
    """A function of all elements along one dimension, ``dim``, the last if that is −1."""

    def __init__(self, dim: int = -1) -> None:
        if type(dim) is not int:
            raise ConfigError(f"{type(self).__name__}: dim must be an integer, not {dim!r}", name="dim", value=dim)
        self.dim = dim

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that the gradient is verified on: the last dimension, another one, the only one."""
        return [Case({}, (5, 3)), Case({"dim": 1}, (2, 4, 3)), Case({"dim": -2}, (2, 3, 2, 2)), Case({"dim": 0}, (4,))]

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
        dims = max(1, input.dim())  # a single number has one dimension here, as in torch
        if not -dims <= self.dim < dims:
            raise ShapeError(repr(self), input.shape, f"expected an input with a dimension {self.dim}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.dim == -1 else self.dim})"


class Softmax(OverOneDimension):
    r"""Probabilities ``yᵢ = e^xᵢ / Σⱼ e^xⱼ``, with ``dx = y ⊙ (dy − Σⱼ dyⱼ yⱼ)``.

    A model trained by :class:`~corenet.CrossEntropyLoss` needs none: that loss takes the x, called logits.

    Args:
        dim: the dimension that sums to one.

    Shape: any that has the dimension, unchanged.

    Raises:
        ConfigError: ``dim`` is no integer.
        ShapeError: the input has no such dimension.

    >>> softmax = Softmax()
    >>> softmax(torch.tensor([[0.0, 0.0], [1000.0, 0.0]]))
    tensor([[0.5000, 0.5000],
            [1.0000, 0.0000]])
    >>> softmax.backward(torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    tensor([[ 0.2500, -0.2500],
            [ 0.0000, -0.0000]])

    Reference: J. Bridle, "Probabilistic interpretation of feedforward classification network outputs",
    in "Neurocomputing", Springer 1990.
    """

    def forward(self, input: Tensor) -> Tensor:
        output = torch.softmax(input, self.dim)
        self.save(output)
        return output

    def backward(self, grad_output: Tensor) -> Tensor:
        (output,) = self.saved()
        return output * (grad_output - (grad_output * output).sum(self.dim, keepdim=True))


class LogSoftmax(OverOneDimension):
    r"""Log-probabilities ``yᵢ = xᵢ − log Σⱼ e^xⱼ``, with ``dx = dy − e^y Σⱼ dyⱼ``.

    The largest x is taken out of the sum first, so that nothing overflows.

    Args:
        dim: the dimension whose exponentials sum to one.

    Shape: any that has the dimension, unchanged.

    Raises:
        ConfigError: ``dim`` is no integer.
        ShapeError: the input has no such dimension.

    >>> log_softmax = LogSoftmax()
    >>> log_softmax(torch.tensor([[0.0, 0.0], [110.0, 0.0]]))
    tensor([[  -0.6931,   -0.6931],
            [   0.0000, -110.0000]])
    >>> log_softmax.backward(torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    tensor([[ 0.5000, -0.5000],
            [ 0.0000,  0.0000]])

    Reference: I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning", MIT Press 2016, section 6.2.2.3.
    """

    def forward(self, input: Tensor) -> Tensor:
        output = torch.log_softmax(input, self.dim)
        self.save(output)
        return output

    def backward(self, grad_output: Tensor) -> Tensor:
        (output,) = self.saved()
        return grad_output - output.exp() * grad_output.sum(self.dim, keepdim=True)
