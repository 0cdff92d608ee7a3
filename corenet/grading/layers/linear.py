"""Linear: ``y = x Wᵀ + b``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.contracts.parameter import Parameter
from corenet.grading.normalizing import MISTAKES_OF_BIAS
from corenet.grading.textbook import Arguments, Textbook


class Linear(Module):
    """The affine map y = x Wᵀ + b.

    x is (N, in_features), y is (N, out_features); weight W is (out_features, in_features), bias b (out_features,).
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        self.weight = Parameter(torch.randn(out_features, in_features) / in_features**0.5)
        self.bias = Parameter(torch.zeros(out_features))

    def forward(self, input: Tensor) -> Tensor:
        """Return y for x, the input."""
        self.save(input)
        return input @ self.weight.T + self.bias

    def backward(self, grad_output: Tensor) -> Tensor:
        """Add the gradients of weight and bias to their .grad, and return that of the input."""
        (input,) = self.saved()
        self.weight.grad += grad_output.T @ input  # yₙₖ = Σⱼ Wₖⱼ xₙⱼ + bₖ, so ∂L/∂Wₖⱼ = Σₙ dyₙₖ xₙⱼ
        self.bias.grad += grad_output.sum(0)
        return grad_output @ self.weight


def linear_forward(input: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, Any]:
    """Return y = x Wᵀ + b, and a cache for backward.

    input x is (N, in_features), weight W is (out_features, in_features), bias b (out_features,).
    """
    return input @ weight.T + bias, (input, weight)


def linear_backward(grad_output: np.ndarray, cache: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gradients of input, weight and bias, for that of the output, (N, out_features)."""
    input, weight = cache
    return grad_output @ weight, grad_output.T @ input, grad_output.sum(0)


def _draw(random: np.random.Generator, rows: int) -> Arguments:
    wide, narrow = 7, 4
    return {
        "input": random.normal(0.4, 1.0, (rows, wide)),
        "weight": random.normal(size=(narrow, wide)),
        "bias": random.normal(size=narrow),
    }


TEXTBOOK = Textbook(
    name="linear",
    formula="y = x Wᵀ + b",
    module=Linear,
    forward=linear_forward,
    backward=linear_backward,
    draw=_draw,
    construct=lambda given: given["weight"].shape[::-1],
    inputs=("input",),
    parameters=("weight", "bias"),
    derived=("input", "weight", "bias"),
    mistakes={
        "forward": [
            ("bias_forgotten", lambda at: at["input"] @ at["weight"].T),
            ("wrong_sign", lambda at: at["input"] @ at["weight"].T - at["bias"]),
        ],
        "input_gradient": [
            ("mean_instead_of_sum", lambda at: at.gradients["input"] / len(at["input"])),
        ],
        "weight_gradient": [
            ("mean_instead_of_sum", lambda at: at.gradients["weight"] / len(at["input"])),
        ],
        "bias_gradient": MISTAKES_OF_BIAS,
    },
)
