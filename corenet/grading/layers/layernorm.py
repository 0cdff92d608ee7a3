"""Layer norm: each row with mean 0 and variance 1, then a weight and a bias for each feature."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.parameter import Parameter
from corenet.grading.normalizing import draw, mistakes_of
from corenet.grading.textbook import Textbook


class LayerNorm(Module):
    """Layer norm y = w (x − mean) / √(var + eps) + b, mean and variance over the features of each row.

    x is (N, D), weight w and bias b are (D,). The variance is the mean of the squares, (1/D) Σ (x − mean)².
    """

    def __init__(self, features: int, eps: float = 1e-5) -> None:
        self.eps = eps
        self.weight = Parameter(torch.ones(features))
        self.bias = Parameter(torch.zeros(features))

    def forward(self, input: Tensor) -> Tensor:
        """Return y for x, the input."""
        centred = input - input.mean(1, keepdim=True)
        std = ((centred**2).mean(1, keepdim=True) + self.eps).sqrt()
        normal = centred / std
        self.save(normal, std)
        return self.weight * normal + self.bias

    def backward(self, grad_output: Tensor) -> Tensor:
        """Add the gradients of weight and bias to their .grad, and return that of the input."""
        normal, std = self.saved()
        self.weight.grad += (grad_output * normal).sum(0)
        self.bias.grad += grad_output.sum(0)
        grad_normal = grad_output * self.weight
        # Mean and variance depend on x too: each takes its part out of the gradient.
        mean = grad_normal.mean(1, keepdim=True)
        along = (grad_normal * normal).mean(1, keepdim=True)
        return (grad_normal - mean - normal * along) / std


def layernorm_forward(
    input: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, Any]:
    """Return y = w (x − mean) / √(var + eps) + b, and a cache for backward.

    input x is (N, D), weight w and bias b are (D,). Mean and variance (1/D) Σ (x − mean)² are over the features of
    each row.
    """
    centred = input - input.mean(1, keepdims=True)
    std = np.sqrt((centred**2).mean(1, keepdims=True) + eps)
    normal = centred / std
    return weight * normal + bias, (normal, std, weight)


def layernorm_backward(grad_output: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gradients of input, weight and bias, for that of the output, (N, D)."""
    normal, std, weight = cache
    grad_normal = grad_output * weight
    mean = grad_normal.mean(1, keepdims=True)
    along = (grad_normal * normal).mean(1, keepdims=True)
    return (grad_normal - mean - normal * along) / std, (grad_output * normal).sum(0), grad_output.sum(0)


TEXTBOOK = Textbook(
    name="layernorm",
    formula="y = w (x − mean) / √(var + eps) + b, mean and variance of each row",
    module=LayerNorm,
    forward=layernorm_forward,
    backward=layernorm_backward,
    draw=draw,
    construct=lambda given: (len(given["weight"]), given["eps"]),
    inputs=("input",),
    parameters=("weight", "bias"),
    derived=("input", "weight", "bias"),
    other={"eps": 0.3},
    mistakes=mistakes_of(axis=1),
)
