"""Mean squared error, the mean over all elements."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.grading.textbook import Arguments, Textbook


class MSELoss(Loss):
    """The mean of (x − t)² over all elements; x and t are (N, D)."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss, one number, of the input and the target."""
        difference = input - target
        self.save(difference)
        return (difference**2).mean()

    def backward(self) -> Tensor:
        """Return the gradient of the input."""
        (difference,) = self.saved()
        return 2 * difference / difference.numel()


def mse_forward(input: np.ndarray, target: np.ndarray) -> tuple[float, Any]:
    """Return the mean of (x − t)² over all elements, and a cache for backward; input x and target t are (N, D)."""
    difference = input - target
    return float((difference**2).mean()), difference


def mse_backward(grad_output: float, cache: Any) -> np.ndarray:
    """Return the gradient of input alone, for that of the loss, a number."""
    difference: np.ndarray = cache
    return grad_output * 2 * difference / difference.size


def _draw(random: np.random.Generator, rows: int) -> Arguments:
    return {"input": random.normal(0.5, 1.0, (rows, 7)), "target": random.normal(size=(rows, 7))}


TEXTBOOK = Textbook(
    name="mse",
    formula="L = mean of (x − t)² over all elements",
    module=MSELoss,
    forward=mse_forward,
    backward=mse_backward,
    draw=_draw,
    construct=lambda given: (),
    inputs=("input", "target"),
    derived=("input",),
    mistakes={
        "forward": [
            ("sum_instead_of_mean", lambda at: at.output * at["input"].size),
            ("mean_over_too_little", lambda at: at.output * at["input"].shape[1]),
            ("factor_two", lambda at: at.output / 2),
            ("root_taken", lambda at: np.sqrt(at.output)),
            ("square_forgotten", lambda at: np.abs(at["input"] - at["target"]).mean()),
            ("square_forgotten", lambda at: (at["input"] - at["target"]).mean()),
            ("wrong_sign", lambda at: ((at["input"] + at["target"]) ** 2).mean()),
        ],
        "input_gradient": [
            ("factor_two", lambda at: at.gradients["input"] / 2),
            ("factor_two", lambda at: at.gradients["input"] * 2),
            ("sum_instead_of_mean", lambda at: at.gradients["input"] * at["input"].size),
            ("sum_instead_of_mean", lambda at: at.gradients["input"] * at["input"].size / 2),
            ("mean_over_too_little", lambda at: at.gradients["input"] * at["input"].shape[1]),
            ("mean_over_too_little", lambda at: at.gradients["input"] * at["input"].shape[1] / 2),
            ("mean_over_too_little", lambda at: at.gradients["input"] * len(at["input"])),
            ("mean_over_too_much", lambda at: at.gradients["input"] / at["input"].size),
            ("wrong_sign", lambda at: at.upstream * 2 * (at["input"] + at["target"]) / at["input"].size),
            ("upstream_ignored", lambda at: 2 * (at["input"] - at["target"]) / at["input"].size),
            ("upstream_ignored", lambda at: 2 * (at["input"] - at["target"])),
            ("upstream_ignored", lambda at: at["input"] - at["target"]),
            ("target_forgotten", lambda at: at.upstream * 2 * at["input"] / at["input"].size),
            ("square_too_many", lambda at: at.upstream * 2 * (at["input"] - at["target"]) ** 2 / at["input"].size),
            ("square_too_many", lambda at: at.upstream * (at["input"] - at["target"]) ** 2 / at["input"].size),
            ("other_function", lambda at: at.upstream * np.sign(at["input"] - at["target"]) / at["input"].size),
        ],
    },
)
