"""Tanh: ``y = tanh(x)``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.grading.textbook import Arguments, Textbook


class Tanh(Module):
    """The hyperbolic tangent y = (exp(x) − exp(−x)) / (exp(x) + exp(−x)), element by element; x is (N, D)."""

    def forward(self, input: Tensor) -> Tensor:
        """Return y for x, the input."""
        output = torch.tanh(input)
        self.save(output)
        return output

    def backward(self, grad_output: Tensor) -> Tensor:
        """Return the gradient of the input."""
        (output,) = self.saved()
        return grad_output * (1 - output**2)


def tanh_forward(input: np.ndarray) -> tuple[np.ndarray, Any]:
    """Return y = tanh(x), and a cache for backward; input x is (N, D)."""
    output = np.tanh(input)
    return output, output


def tanh_backward(grad_output: np.ndarray, cache: Any) -> np.ndarray:
    """Return the gradient of the input, for that of the output, (N, D)."""
    output: np.ndarray = cache
    return grad_output * (1 - output**2)


def _draw(random: np.random.Generator, rows: int) -> Arguments:
    return {"input": random.normal(0.3, 1.2, (rows, 7))}


TEXTBOOK = Textbook(
    name="tanh",
    formula="y = tanh(x)",
    module=Tanh,
    forward=tanh_forward,
    backward=tanh_backward,
    draw=_draw,
    construct=lambda given: (),
    inputs=("input",),
    derived=("input",),
    large=800.0,
    mistakes={
        "forward": [
            ("other_function", lambda at: 1 / (1 + np.exp(-at["input"]))),
            ("wrong_sign", lambda at: 1 / at.output),
            ("wrong_sign", lambda at: -at.output),
        ],
        "input_gradient": [
            ("derivative_at_output", lambda at: at.upstream * (1 - np.tanh(at.output) ** 2)),
            ("input_for_output", lambda at: at.upstream * (1 - at["input"] ** 2)),
            ("square_forgotten", lambda at: at.upstream * (1 - at.output)),
            ("square_forgotten", lambda at: at.upstream * (1 - np.abs(at.output))),
            ("term_forgotten", lambda at: at.upstream * at.output**2),
            ("term_forgotten", lambda at: -at.upstream * at.output**2),
            ("wrong_sign", lambda at: at.upstream * (1 + at.output**2)),
            ("wrong_sign", lambda at: at.upstream * (at.output**2 - 1)),
            ("upstream_ignored", lambda at: 1 - at.output**2),
            ("other_function", lambda at: at.upstream * at.output * (1 - at.output)),
            ("square_too_many", lambda at: at.upstream * (1 - at.output) ** 2),
            ("square_too_many", lambda at: at.upstream * (1 - at.output**2) ** 2),
        ],
    },
)
