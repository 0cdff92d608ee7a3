"""Activations: elementwise functions whose derivative needs only their output."""

from __future__ import annotations

from math import inf
from typing import ClassVar

import torch
from torch import Tensor

from corenet.contracts.module import Module


class ReLU(Module):
    r"""Rectifier ``y = max(x, 0)``, with ``dx = dy · 1[y > 0]``.

    The derivative at the kink, x = 0, is taken as 0. NaN stays NaN.

    Shape: any, unchanged.

    >>> relu = ReLU()
    >>> relu(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    >>> relu.backward(torch.tensor([5.0, 5.0, 5.0]))
    tensor([0., 0., 5.])

    Reference: V. Nair, G. Hinton, "Rectified linear units improve restricted
    Boltzmann machines", ICML 2010.
    """

    output_range: ClassVar[tuple[float, float]] = (0.0, inf)

    def forward(self, input: Tensor) -> Tensor:
        output = torch.relu(input)
        self.save(output)
        return output

    def backward(self, grad_output: Tensor) -> Tensor:
        (output,) = self.saved()
        return grad_output * output.sign()  # y ≥ 0, so its sign is the indicator 1[y > 0]

    def check(self, input: Tensor) -> None:
        self.check_floating(input)


class Tanh(Module):
    r"""Hyperbolic tangent ``y = tanh x``, with ``dx = dy · (1 − y²)``.

    Shape: any, unchanged.

    >>> tanh = Tanh()
    >>> tanh(torch.tensor([0.0]))
    tensor([0.])
    >>> tanh.backward(torch.tensor([3.0]))
    tensor([3.])

    Reference: Y. LeCun et al., "Efficient BackProp", in "Neural Networks: Tricks of the
    Trade", Springer 1998, section 4.4.
    """

    output_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def forward(self, input: Tensor) -> Tensor:
        output = torch.tanh(input)
        self.save(output)
        return output

    def backward(self, grad_output: Tensor) -> Tensor:
        (output,) = self.saved()
        return grad_output * (1 - output * output)

    def check(self, input: Tensor) -> None:
        self.check_floating(input)


class Sigmoid(Module):
    r"""Logistic function ``y = 1 / (1 + e⁻ˣ)``, with ``dx = dy · y · (1 − y)``.

    Shape: any, unchanged.

    >>> sigmoid = Sigmoid()
    >>> sigmoid(torch.tensor([0.0]))
    tensor([0.5000])
    >>> sigmoid.backward(torch.tensor([4.0]))
    tensor([1.])

    Reference: C. Bishop, "Pattern Recognition and Machine Learning", Springer 2006, section 4.3.2.
    """

    output_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def forward(self, input: Tensor) -> Tensor:
        output = torch.sigmoid(input)
        self.save(output)
        return output

    def backward(self, grad_output: Tensor) -> Tensor:
        (output,) = self.saved()
        return grad_output * output * (1 - output)

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
