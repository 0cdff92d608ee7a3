"""Batch norm in training: each feature with mean 0 and variance 1 over the batch, then a weight and a bias."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.parameter import Parameter
from corenet.grading.normalizing import draw, mistakes_of
from corenet.grading.textbook import Textbook


class BatchNorm(Module):
    """Batch norm in training, y = w (x − mean) / √(var + eps) + b, mean and variance of each feature over the batch.

    x is (N, D), weight w and bias b are (D,). The variance is the mean of the squares, (1/N) Σ (x − mean)².
    """

    def __init__(self, features: int, eps: float = 1e-5) -> None:
        self.eps = eps
        self.weight = Parameter(torch.ones(features))
        self.bias = Parameter(torch.zeros(features))

    def forward(self, input: Tensor) -> Tensor:
        """Return y for x, the input."""
        centred = input - input.mean(0)
        std = ((centred**2).mean(0) + self.eps).sqrt()
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
        mean = grad_normal.mean(0)
        along = (grad_normal * normal).mean(0)
        return (grad_normal - mean - normal * along) / std


def batchnorm_forward(
    input: np.ndarray, weight: np.ndarray, bias: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, Any]:
    """Return y = w (x − mean) / √(var + eps) + b, and a cache for backward.

    input x is (N, D), weight w and bias b are (D,). Mean and variance (1/N) Σ (x − mean)² are those of each feature
    over the batch.
    """
    centred = input - input.mean(0)
    std = np.sqrt((centred**2).mean(0) + eps)
    normal = centred / std
    return weight * normal + bias, (normal, std, weight)


def batchnorm_backward(grad_output: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gradients of input, weight and bias, for that of the output, (N, D)."""
    normal, std, weight = cache
    grad_normal = grad_output * weight
    mean = grad_normal.mean(0)
    along = (grad_normal * normal).mean(0)
    return (grad_normal - mean - normal * along) / std, (grad_output * normal).sum(0), grad_output.sum(0)


TEXTBOOK = Textbook(
    name="batchnorm",
    formula="y = w (x − mean) / √(var + eps) + b, mean and variance of each feature over the batch",
    module=BatchNorm,
    forward=batchnorm_forward,
    backward=batchnorm_backward,
    draw=draw,
    construct=lambda given: (len(given["weight"]), given["eps"]),
    inputs=("input",),
    parameters=("weight", "bias"),
    derived=("input", "weight", "bias"),
    rows=(2, 5, 33),
    other={"eps": 0.3},
    mistakes=mistakes_of(axis=0),
)
