"""Cross-entropy of logits and class indices, the mean over the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.grading.textbook import Arguments, Textbook, Worked


class CrossEntropyLoss(Loss):
    """The mean over the rows of −log softmax(x)ₜ.

    x are logits, (N, C); t is the index of the right class of each row, (N,). Large x must not overflow.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss, one number, of the logits and the class indices."""
        shifted = input - input.amax(1, keepdim=True)
        log_probabilities = shifted - shifted.exp().sum(1, keepdim=True).log()
        self.save(log_probabilities, target)
        return -log_probabilities[torch.arange(len(target)), target].mean()

    def backward(self) -> Tensor:
        """Return the gradient of the logits."""
        log_probabilities, target = self.saved()
        gradient = log_probabilities.exp()  # of each row: softmax(x) − onehot(t)
        gradient[torch.arange(len(target)), target] -= 1
        return gradient / len(target)


def cross_entropy_forward(input: np.ndarray, target: np.ndarray) -> tuple[float, Any]:
    """Return the mean over the rows of −log softmax(x)ₜ, and a cache for backward.

    input x are logits, (N, C); target t is the index of the right class of each row, (N,). Large x must not overflow.
    """
    shifted = input - input.max(1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    loss = -log_probabilities[np.arange(len(target)), target].mean()
    return float(loss), (log_probabilities, target)


def cross_entropy_backward(grad_output: float, cache: Any) -> np.ndarray:
    """Return the gradient of input alone, for that of the loss, a number."""
    log_probabilities, target = cache
    gradient: np.ndarray = np.exp(log_probabilities)
    gradient[np.arange(len(target)), target] -= 1
    return grad_output * gradient / len(target)


def _draw(random: np.random.Generator, rows: int) -> Arguments:
    return {"input": random.normal(2.0, 1.0, (rows, 6)), "target": random.integers(6, size=rows)}


def _softmax(at: Worked, axis: int = 1) -> np.ndarray:
    powers = np.exp(at["input"] - at["input"].max())
    return powers / powers.sum(axis, keepdims=True)


def _chosen(at: Worked) -> np.ndarray:
    return np.eye(at["input"].shape[1])[at["target"]]


def _each(at: Worked) -> np.ndarray:
    return -np.log(_softmax(at)[np.arange(len(at["target"])), at["target"]])


TEXTBOOK = Textbook(
    name="cross_entropy",
    formula="L = −(1/N) Σₙ log softmax(xₙ)ₜ, t the class of row n",
    module=CrossEntropyLoss,
    forward=cross_entropy_forward,
    backward=cross_entropy_backward,
    draw=_draw,
    construct=lambda given: (),
    inputs=("input", "target"),
    derived=("input",),
    large=800.0,
    mistakes={
        "forward": [
            ("sum_instead_of_mean", lambda at: _each(at).sum()),
            ("mean_over_too_much", lambda at: _each(at).sum() / at["input"].size),
            ("wrong_sign", lambda at: -_each(at).mean()),
            ("softmax_forgotten", lambda at: -at["input"][np.arange(len(at["target"])), at["target"]].mean()),
            ("log_forgotten", lambda at: np.exp(-_each(at)).mean()),
            ("log_forgotten", lambda at: -np.exp(-_each(at)).mean()),
            ("wrong_axis", lambda at: -(np.log(_softmax(at, 0)) * _chosen(at)).sum() / len(at["target"])),
        ],
        "input_gradient": [
            ("sum_instead_of_mean", lambda at: at.upstream * (_softmax(at) - _chosen(at))),
            ("mean_over_too_much", lambda at: at.upstream * (_softmax(at) - _chosen(at)) / at["input"].size),
            ("mean_over_too_much", lambda at: at.upstream * (_softmax(at) - _chosen(at)) / at["input"].shape[1]),
            ("mean_over_too_much", lambda at: at.gradients["input"] / len(at["target"])),
            ("wrong_sign", lambda at: at.upstream * (_softmax(at) + _chosen(at)) / len(at["target"])),
            ("target_forgotten", lambda at: at.upstream * _softmax(at) / len(at["target"])),
            ("target_forgotten", lambda at: at.upstream * _softmax(at)),
            ("softmax_forgotten", lambda at: at.upstream * (at["input"] - _chosen(at)) / len(at["target"])),
            ("softmax_forgotten", lambda at: -at.upstream * _chosen(at) / len(at["target"])),
            ("softmax_forgotten", lambda at: at.upstream * (np.log(_softmax(at)) - _chosen(at)) / len(at["target"])),
            (
                "softmax_forgotten",
                lambda at: -at.upstream * _chosen(at) / _softmax(at) / len(at["target"]),
            ),
            ("upstream_ignored", lambda at: (_softmax(at) - _chosen(at)) / len(at["target"])),
            ("upstream_twice", lambda at: at.upstream * at.gradients["input"]),
            ("wrong_axis", lambda at: at.upstream * (_softmax(at, 0) - _chosen(at)) / len(at["target"])),
        ],
    },
)
