"""A smooth rectifier, as the transformer's layer may have it."""

from __future__ import annotations

from math import pi, sqrt

import corenet as cn
import torch
from torch import Tensor


class GELU(cn.Module):
    r"""``y = x Φ(x)``, with ``dx = dy (Φ(x) + x φ(x))``; Φ and φ are the standard normal's distribution and density.

    Shape: any, unchanged.

    >>> gelu = GELU()
    >>> gelu(torch.tensor([1.0]))
    tensor([0.8413])
    >>> gelu.backward(torch.tensor([1.0]))
    tensor([1.0833])

    Reference: D. Hendrycks, K. Gimpel, "Gaussian error linear units", arXiv:1606.08415, 2016.
    """

    def forward(self, input: Tensor) -> Tensor:
        below = 0.5 * (1 + torch.erf(input / sqrt(2)))
        self.save(input, below)
        return input * below

    def backward(self, grad_output: Tensor) -> Tensor:
        input, below = self.saved()
        density = torch.exp(-0.5 * input * input) / sqrt(2 * pi)
        return grad_output * (below + input * density)
