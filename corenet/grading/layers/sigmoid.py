"""Sigmoid: ``y = 1 / (1 + exp(−x))``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.grading.textbook import Arguments, Textbook, Worked


class Sigmoid(Module):
    """The logistic function y = 1 / (1 + exp(−x)), element by element; x is (N, D)."""

    def forward(self, input: Tensor) -> Tensor:
        """Return y for x, the input."""
        output = 1 / (1 + torch.exp(-input))
        self.save(output)
        return output

    def backward(self, grad_output: Tensor) -> Tensor:
        """Return the gradient of the input."""
        (output,) = self.saved()
        return grad_output * output * (1 - output)


def sigmoid_forward(input: np.ndarray) -> tuple[np.ndarray, Any]:
    """Return y = 1 / (1 + exp(−x)), and a cache for backward; input x is (N, D)."""
    with np.errstate(over="ignore"):  # exp(−x) may be infinite, and y is 0 then
        output = 1 / (1 + np.exp(-input))
    return output, output


def sigmoid_backward(grad_output: np.ndarray, cache: Any) -> np.ndarray:
    """Return the gradient of the input, for that of the output, (N, D)."""
    output: np.ndarray = cache
    return grad_output * output * (1 - output)


def _draw(random: np.random.Generator, rows: int) -> Arguments:
    return {"input": random.normal(0.3, 1.5, (rows, 7))}


def _again(value: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-value))


def _slope_at_output(at: Worked) -> np.ndarray:
    again = _again(at.output)
    return at.upstream * again * (1 - again)


TEXTBOOK = Textbook(
    name="sigmoid",
    formula="y = 1 / (1 + exp(−x))",
    module=Sigmoid,
    forward=sigmoid_forward,
    backward=sigmoid_backward,
    draw=_draw,
    construct=lambda given: (),
    inputs=("input",),
    derived=("input",),
    large=800.0,
    mistakes={
        "forward": [
            ("wrong_sign", lambda at: _again(-at["input"])),
        ],
        "input_gradient": [
            ("derivative_at_output", _slope_at_output),
            ("input_for_output", lambda at: at.upstream * at["input"] * (1 - at["input"])),
            ("factor_forgotten", lambda at: at.upstream * at.output),
            ("factor_forgotten", lambda at: at.upstream * (1 - at.output)),
            ("term_forgotten", lambda at: at.upstream * at.output**2),
            ("upstream_ignored", lambda at: at.output * (1 - at.output)),
            ("wrong_sign", lambda at: at.upstream * at.output * (1 + at.output)),
            ("wrong_sign", lambda at: at.upstream * at.output * (at.output - 1)),
            ("other_function", lambda at: at.upstream * (1 - at.output**2)),
            ("square_too_many", lambda at: at.upstream * at.output**2 * (1 - at.output)),
            ("square_too_many", lambda at: at.upstream * at.output * (1 - at.output) ** 2),
            ("square_too_many", lambda at: at.upstream * at.output * (1 - at.output**2)),
        ],
    },
)
