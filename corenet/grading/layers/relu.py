"""ReLU: ``y = max(x, 0)``."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from corenet.contracts.module import Module
from corenet.grading.textbook import Arguments, Textbook


class ReLU(Module):
    """The rectifier y = max(x, 0), element by element; x is (N, D)."""

    def forward(self, input: Tensor) -> Tensor:
        """Return y for x, the input."""
        self.save(input > 0)
        return input.clamp(min=0)

    def backward(self, grad_output: Tensor) -> Tensor:
        """Return the gradient of the input."""
        (positive,) = self.saved()
        return grad_output * positive  # y follows x where x > 0, and stands still elsewhere


def relu_forward(input: np.ndarray) -> tuple[np.ndarray, Any]:
    """Return y = max(x, 0), and a cache for backward; input x is (N, D)."""
    return np.maximum(input, 0), input > 0


def relu_backward(grad_output: np.ndarray, cache: Any) -> np.ndarray:
    """Return the gradient of the input, for that of the output, (N, D)."""
    positive: np.ndarray = cache
    return grad_output * positive


def _draw(random: np.random.Generator, rows: int) -> Arguments:
    return {"input": random.normal(0.2, 1.0, (rows, 7))}


TEXTBOOK = Textbook(
    name="relu",
    formula="y = max(x, 0)",
    module=ReLU,
    forward=relu_forward,
    backward=relu_backward,
    draw=_draw,
    construct=lambda given: (),
    inputs=("input",),
    derived=("input",),
    mistakes={
        "forward": [
            ("mask_reversed", lambda at: np.minimum(at["input"], 0)),
            ("sign_lost", lambda at: np.abs(at["input"])),
            ("mask_lost", lambda at: at["input"]),
        ],
        "input_gradient": [
            ("mask_lost", lambda at: at.upstream),
            ("mask_reversed", lambda at: at.upstream * (at["input"] < 0)),
            ("wrong_mask", lambda at: np.maximum(at.upstream, 0)),
            ("wrong_mask", lambda at: at.upstream * (at.upstream > 0) * (at["input"] > 0)),
            ("wrong_mask", lambda at: at.upstream * (at["input"] > 1)),
            ("output_for_derivative", lambda at: at.upstream * at.output),
            ("output_for_derivative", lambda at: at.upstream * at["input"]),
            ("upstream_ignored", lambda at: (at["input"] > 0) * 1.0),
            ("wrong_mask", lambda at: at.upstream * np.sign(at["input"])),
        ],
    },
)
