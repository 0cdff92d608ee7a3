"""Swish: a corenet module in a package of its own."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor


class Swish(cn.Module):
    r"""Swish ``y = x · σ(x)``, with ``dx = dy · (σ + y · (1 − σ))`` and ``σ = σ(x)``.

    Shape: any, unchanged.

    >>> module = Swish()
    >>> module(torch.tensor([0.0, 10.0]))
    tensor([0.0000, 9.9995])
    >>> module.backward(torch.tensor([1.0, 1.0]))
    tensor([0.5000, 1.0004])

    Reference: P. Ramachandran, B. Zoph, Q. V. Le, "Searching for activation functions", arXiv:1710.05941, 2017.
    """

    def forward(self, input: Tensor) -> Tensor:
        gate = torch.sigmoid(input)
        output = input * gate
        self.save(gate, output)
        return output

    def backward(self, grad_output: Tensor) -> Tensor:
        gate, output = self.saved()
        slope = gate + output * (1 - gate)  # dy/dx = σ + y (1 − σ)
        return grad_output * slope  # dx = dy · dy/dx

    def check(self, input: Tensor) -> None:
        self.check_floating(input)
