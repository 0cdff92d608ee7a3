"""Swish: a corenet layer in a package of its own."""

from __future__ import annotations

import torch
from torch import Tensor

import corenet as cn


class Swish(cn.Module):
    r"""Swish ``y = x · σ(x)``, with ``dx = dy · (σ + y · (1 − σ))`` and ``σ = σ(x)``.

    Shape: any, unchanged.

    >>> swish = Swish()
    >>> swish(torch.tensor([0.0, 10.0]))
    tensor([0.0000, 9.9995])
    >>> swish.backward(torch.tensor([1.0, 1.0]))
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
        return grad_output * (gate + output * (1 - gate))
