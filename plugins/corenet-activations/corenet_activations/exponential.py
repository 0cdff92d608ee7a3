"""Activations that are the identity above zero and an exponential below."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_activations.settings import check_finite

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


class ELU(cn.Module):
    r"""Exponential linear unit, ``y = x`` where x > 0 and ``y = α (eˣ − 1)`` elsewhere.

    The derivative is ``dx = dy`` where x > 0 and ``dx = dy α eˣ`` elsewhere.

    Args:
        alpha: the ``α`` whose negative the output goes to.

    Shape: any, unchanged.

    Raises:
        ConfigError: ``alpha`` is not a finite number.
        DTypeError: the input is not a floating-point tensor.

    >>> module = ELU()
    >>> module(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.6321,  0.0000,  2.0000])
    >>> module.backward(torch.tensor([1.0, 1.0, 1.0]))
    tensor([0.3679, 1.0000, 1.0000])

    Reference: D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential
    linear units", ICLR 2016.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        check_finite("ELU", "alpha", alpha)
        self.alpha = alpha

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: a smooth join, a kink, and a rise to the left."""
        return [cn.Case({"alpha": alpha}, (5, 3)) for alpha in (1.0, 0.3, 2.5, -0.7)]

    def forward(self, input: Tensor) -> Tensor:
        self.save(input)
        return torch.where(input > 0, input, self.alpha * input.expm1())

    def backward(self, grad_output: Tensor) -> Tensor:
        (input,) = self.saved()
        return torch.where(input > 0, grad_output, grad_output * (self.alpha * input.exp()))

    def check(self, input: Tensor) -> None:
        self.check_floating(input)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.alpha:g})"


class SELU(cn.Module):
    r"""Self-normalizing unit, ``y = λ x`` where x > 0 and ``y = λ α (eˣ − 1)`` elsewhere.

    The derivative is ``dx = λ dy`` where x > 0 and ``dx = dy λ α eˣ`` elsewhere. With λ = 1.0507 and α = 1.6733
    inputs of mean 0 and variance 1 have outputs of mean 0 and variance 1.

    Shape: any, unchanged.

    Raises:
        DTypeError: the input is not a floating-point tensor.

    >>> module = SELU()
    >>> module(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-1.1113,  0.0000,  2.1014])
    >>> module.backward(torch.tensor([1.0, 1.0, 1.0]))
    tensor([0.6468, 1.7581, 1.0507])

    Reference: G. Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.
    """

    def forward(self, input: Tensor) -> Tensor:
        self.save(input)
        return SELU_SCALE * torch.where(input > 0, input, SELU_ALPHA * input.expm1())

    def backward(self, grad_output: Tensor) -> Tensor:
        (input,) = self.saved()
        return SELU_SCALE * torch.where(input > 0, grad_output, grad_output * (SELU_ALPHA * input.exp()))

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
