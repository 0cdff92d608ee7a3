"""Normalization of each element of a sequence, as the transformer's layer needs it."""

from __future__ import annotations

import corenet as cn
import torch
from torch import Tensor


class LayerNorm(cn.Module):
    r"""``y = γ x̂ + β`` with ``x̂ = (x − μ) / σ``, ``μ`` and ``σ² = mean (x − μ)² + ε`` over the last dimension.

    With ``dx̂ = γ dy``::

        dγ = Σ dy x̂        dβ = Σ dy        dx = (dx̂ − mean(dx̂) − x̂ mean(dx̂ x̂)) / σ

    Shape: ``(*, width)``, unchanged.

    Reference: J. Ba, J. Kiros, G. Hinton, "Layer normalization", arXiv:1607.06450, 2016.
    """

    bias: cn.Parameter | None

    def __init__(self, width: int, eps: float, bias: bool, dtype: torch.dtype | None) -> None:
        self.width, self.eps = width, eps
        self.weight = cn.Parameter(torch.ones(width, dtype=dtype))
        self.bias = cn.Parameter(torch.zeros(width, dtype=dtype)) if bias else None

    def reset_parameters(self) -> None:
        """Set γ to 1 and β to 0."""
        self.weight.fill_(1)
        if self.bias is not None:
            self.bias.zero_()

    def forward(self, input: Tensor) -> Tensor:
        centred = input - input.mean(-1, keepdim=True)
        scale = (centred.square().mean(-1, keepdim=True) + self.eps).rsqrt()
        normal = centred * scale
        self.save(normal, scale)
        scaled = normal * self.weight
        return scaled if self.bias is None else scaled + self.bias

    def backward(self, grad_output: Tensor) -> Tensor:
        normal, scale = self.saved()
        rows = grad_output.reshape(-1, self.width)
        if not self.frozen:
            self.weight.grad += (rows * normal.reshape(-1, self.width)).sum(0)
            if self.bias is not None:
                self.bias.grad += rows.sum(0)
        grad = grad_output * self.weight  # dx̂ = γ dy
        return scale * (grad - grad.mean(-1, keepdim=True) - normal * (grad * normal).mean(-1, keepdim=True))

    def __repr__(self) -> str:
        return f"LayerNorm({self.width})"
