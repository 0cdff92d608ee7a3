"""Smooth relatives of the rectifier and of the sign."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor

from corenet_activations.settings import check_finite


class Softplus(cn.Module):
    r"""Smooth rectifier ``y = log(1 + e^βx) / β``, with ``dx = dy σ(βx)``.

    Where βx is above a threshold, ``y = x`` and ``dx = dy``.

    Args:
        beta: how sharp the bend is, ``β``.
        threshold: of βx, above which the function is the identity.

    Shape: any, unchanged.

    Raises:
        ConfigError: ``beta`` is 0, or one of the two is not a finite number.
        DTypeError: the input is not a floating-point tensor.

    >>> module = Softplus()
    >>> module(torch.tensor([-1.0, 0.0, 30.0]))
    tensor([ 0.3133,  0.6931, 30.0000])
    >>> module.backward(torch.tensor([1.0, 1.0, 1.0]))
    tensor([0.2689, 0.5000, 1.0000])

    Reference: C. Dugas et al., "Incorporating second-order functional knowledge for better option pricing", NIPS 2000.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        check_finite("Softplus", "beta", beta)
        check_finite("Softplus", "threshold", threshold)
        if beta == 0:
            raise cn.ConfigError("Softplus: beta must not be 0, as it divides", name="beta", value=beta)
        self.beta = beta
        self.threshold = threshold

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: sharp, soft, mirrored, and with a threshold in reach."""
        sharpness = [cn.Case({"beta": beta}, (5, 3)) for beta in (1.0, 0.4, 3.0, -1.5)]
        return [*sharpness, cn.Case({"beta": 2.0, "threshold": 1.0}, (5, 3), kinks=(0.5,))]

    def forward(self, input: Tensor) -> Tensor:
        self.save(input)
        scaled = self.beta * input
        return torch.where(scaled > self.threshold, input, scaled.exp().log1p() / self.beta)

    def backward(self, grad_output: Tensor) -> Tensor:
        (input,) = self.saved()
        scaled = self.beta * input
        return torch.where(scaled > self.threshold, grad_output, grad_output * torch.sigmoid(scaled))

    def check(self, input: Tensor) -> None:
        self.check_floating(input)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.beta:g}, {self.threshold:g})"


class Softsign(cn.Module):
    r"""Slowly saturating sign ``y = x / (1 + |x|)``, with ``dx = dy / (1 + |x|)²``.

    Shape: any, unchanged.

    Raises:
        DTypeError: the input is not a floating-point tensor.

    >>> module = Softsign()
    >>> module(torch.tensor([-1.0, 0.0, 3.0]))
    tensor([-0.5000,  0.0000,  0.7500])
    >>> module.backward(torch.tensor([1.0, 1.0, 1.0]))
    tensor([0.2500, 1.0000, 0.0625])

    Reference: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010.
    """

    def forward(self, input: Tensor) -> Tensor:
        scale = 1 + input.abs()
        self.save(scale)
        return input / scale

    def backward(self, grad_output: Tensor) -> Tensor:
        (scale,) = self.saved()
        return grad_output / (scale * scale)

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
