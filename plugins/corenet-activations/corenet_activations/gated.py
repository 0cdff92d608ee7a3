"""Activations that are their input times a gate between 0 and 1: ``y = x g(x)``, with ``dx = dy (g + x g′)``."""

from __future__ import annotations

from math import pi, sqrt
from typing import Literal

import corenet as cn
import torch
from torch import Tensor

CUBIC = 0.044715  # of the approximation of Φ


class GELU(cn.Module):
    r"""Gaussian error linear unit ``y = x Φ(x)``, with ``dx = dy (Φ + x φ)``.

    ``Φ`` is the normal distribution and ``φ`` its density. Approximated by tanh it is close to
    ``Φ = ½ (1 + tanh u)`` with ``u = √(2/π) (x + 0.044715 x³)``, whose density is ``φ = 2 Φ (1 − Φ) u′``.

    Args:
        approximate: ``"none"`` for the exact ``Φ``, ``"tanh"`` for its approximation.

    Shape: any, unchanged.

    Raises:
        ConfigError: ``approximate`` is neither.
        DTypeError: the input is not a floating-point tensor.

    >>> module = GELU()
    >>> module(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.1587,  0.0000,  1.9545])
    >>> module.backward(torch.tensor([1.0, 1.0, 1.0]))
    tensor([-0.0833,  0.5000,  1.0852])

    Reference: D. Hendrycks, K. Gimpel, "Gaussian error linear units", arXiv:1606.08415, 2016.
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        if approximate not in ("none", "tanh"):
            message = f"GELU: approximate must be 'none' or 'tanh', not {approximate!r}"
            raise cn.ConfigError(message, name="approximate", value=approximate)
        self.approximate = approximate

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: both forms."""
        return [cn.Case({"approximate": form}, (5, 3), (-4.0, 4.0)) for form in ("none", "tanh")]

    def forward(self, input: Tensor) -> Tensor:
        normal = self._normal(input)
        self.save(input, normal)
        return input * normal

    def backward(self, grad_output: Tensor) -> Tensor:
        input, normal = self.saved()
        return grad_output * (normal + input * self._density(input, normal))

    def check(self, input: Tensor) -> None:
        self.check_floating(input)

    def _normal(self, x: Tensor) -> Tensor:
        """Return ``Φ(x)``."""
        if self.approximate == "none":
            return 0.5 * (1 + torch.erf(x / sqrt(2)))
        return 0.5 * (1 + torch.tanh(sqrt(2 / pi) * (x + CUBIC * x * x * x)))

    def _density(self, x: Tensor, normal: Tensor) -> Tensor:
        """Return ``φ(x) = Φ′(x)``."""
        if self.approximate == "none":
            return torch.exp(-0.5 * x * x) / sqrt(2 * pi)
        return 2 * normal * (1 - normal) * (sqrt(2 / pi) * (1 + 3 * CUBIC * x * x))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.approximate == 'none' else repr(self.approximate)})"


class SiLU(cn.Module):
    r"""Sigmoid linear unit, or swish, ``y = x σ(x)``, with ``dx = dy (σ + x σ (1 − σ))``.

    Shape: any, unchanged.

    Raises:
        DTypeError: the input is not a floating-point tensor.

    >>> module = SiLU()
    >>> module(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2689,  0.0000,  1.7616])
    >>> module.backward(torch.tensor([1.0, 1.0, 1.0]))
    tensor([0.0723, 0.5000, 1.0908])

    Reference: S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network function approximation
    in reinforcement learning", Neural Networks 107, 2018.
    """

    def forward(self, input: Tensor) -> Tensor:
        gate = torch.sigmoid(input)
        self.save(input, gate)
        return input * gate

    def backward(self, grad_output: Tensor) -> Tensor:
        input, gate = self.saved()
        return grad_output * (gate + input * (gate * (1 - gate)))

    def check(self, input: Tensor) -> None:
        self.check_floating(input)


class Mish(cn.Module):
    r"""Self-regularized unit ``y = x t`` with ``t = tanh(log(1 + eˣ))``, and ``dx = dy (t + x (1 − t²) σ(x))``.

    Shape: any, unchanged.

    Raises:
        DTypeError: the input is not a floating-point tensor.

    >>> module = Mish()
    >>> module(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.3034,  0.0000,  1.9440])
    >>> module.backward(torch.tensor([1.0, 1.0, 1.0]))
    tensor([0.0592, 0.6000, 1.0693])

    Reference: D. Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020.
    """

    def forward(self, input: Tensor) -> Tensor:
        gate = input.exp().log1p().tanh()  # where eˣ overflows, the gate is 1, as it should
        self.save(input, gate)
        return input * gate

    def backward(self, grad_output: Tensor) -> Tensor:
        input, gate = self.saved()
        return grad_output * (gate + input * ((1 - gate * gate) * torch.sigmoid(input)))

    def check(self, input: Tensor) -> None:
        self.check_floating(input)


class Hardswish(cn.Module):
    r"""Swish of straight gates, ``y = x g`` with ``g = min(max(x + 3, 0), 6) / 6``.

    The derivative is ``dx = dy (g + x/6)`` where −3 < x < 3 and ``dx = dy g`` elsewhere, 0 on the left and dy on the
    right.

    Shape: any, unchanged.

    Raises:
        DTypeError: the input is not a floating-point tensor.

    >>> module = Hardswish()
    >>> module(torch.tensor([-4.0, 0.0, 1.0, 5.0]))
    tensor([-0.0000, 0.0000, 0.6667, 5.0000])
    >>> module.backward(torch.tensor([1.0, 1.0, 1.0, 1.0]))
    tensor([0.0000, 0.5000, 0.8333, 1.0000])

    Reference: A. Howard et al., "Searching for MobileNetV3", ICCV 2019.
    """

    @staticmethod
    def conformance_cases() -> list[cn.Case]:
        """Return the cases that the gradient is verified on: all three pieces."""
        return [cn.Case(shape=(5, 3), domain=(-5.0, 5.0)), cn.Case(shape=(2, 3, 4), domain=(-5.0, 5.0))]

    def forward(self, input: Tensor) -> Tensor:
        self.save(input)
        return input * _hard_gate(input)

    def backward(self, grad_output: Tensor) -> Tensor:
        (input,) = self.saved()
        slope = torch.where(input.abs() < 3, input / 6, 0)  # x g′
        return grad_output * (_hard_gate(input) + slope)

    def check(self, input: Tensor) -> None:
        self.check_floating(input)


def _hard_gate(x: Tensor) -> Tensor:
    return (x + 3).clamp(0, 6) / 6
