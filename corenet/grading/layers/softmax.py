"""Softmax: ``yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ)``, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.grading.textbook import Arguments, Textbook


class Softmax(Module):
    """The softmax of each row, yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ); x is (N, C). Large x must not overflow."""

    def forward(self, input: Tensor) -> Tensor:
        """Return y for x, the input."""
        powers = torch.exp(input - input.amax(1, keepdim=True))  # no exponent above 0: nothing overflows
        output = powers / powers.sum(1, keepdim=True)
        self.save(output)
        return output

    def backward(self, grad_output: Tensor) -> Tensor:
        """Return the gradient of the input."""
        (output,) = self.saved()
        # ∂yⱼ/∂xᵢ = yⱼ (δᵢⱼ − yᵢ): the sum over j of dyⱼ times that.
        return output * (grad_output - (grad_output * output).sum(1, keepdim=True))


def softmax_forward(input: np.ndarray) -> tuple[np.ndarray, Any]:
    """Return yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ) of each row, and a cache for backward.

    input x is (N, C). Large x must not overflow.
    """
    powers = np.exp(input - input.max(1, keepdims=True))
    output = powers / powers.sum(1, keepdims=True)
    return output, output


def softmax_backward(grad_output: np.ndarray, cache: Any) -> np.ndarray:
    """Return the gradient of the input, for that of the output, (N, C)."""
    output: np.ndarray = cache
    return output * (grad_output - (grad_output * output).sum(1, keepdims=True))


def _draw(random: np.random.Generator, rows: int) -> Arguments:
    return {"input": random.normal(2.0, 1.0, (rows, 6))}


def _over(input: np.ndarray, axis: int | None) -> np.ndarray:
    powers = np.exp(input - input.max())
    return powers / powers.sum(axis, keepdims=True)


TEXTBOOK = Textbook(
    name="softmax",
    formula="yᵢ = exp(xᵢ) / Σⱼ exp(xⱼ) in each row",
    module=Softmax,
    forward=softmax_forward,
    backward=softmax_backward,
    draw=_draw,
    construct=lambda given: (),
    inputs=("input",),
    derived=("input",),
    large=800.0,
    mistakes={
        "forward": [
            ("wrong_axis", lambda at: _over(at["input"], 0)),
            ("wrong_axis", lambda at: _over(at["input"], None)),
            ("not_normalised", lambda at: np.exp(at["input"])),
            ("not_normalised", lambda at: np.exp(at["input"] - at["input"].max(1, keepdims=True))),
            ("log_of_it", lambda at: np.log(at.output)),
        ],
        "input_gradient": [
            ("only_diagonal", lambda at: at.upstream * at.output * (1 - at.output)),
            ("term_forgotten", lambda at: at.upstream * at.output),
            ("term_forgotten", lambda at: -at.output * (at.upstream * at.output).sum(1, keepdims=True)),
            ("term_forgotten", lambda at: at.output * (at.upstream * at.output).sum(1, keepdims=True)),
            ("factor_forgotten", lambda at: at.upstream - (at.upstream * at.output).sum(1, keepdims=True)),
            ("factor_forgotten", lambda at: at.output * (at.upstream - at.upstream.sum(1, keepdims=True))),
            ("wrong_axis", lambda at: at.output * (at.upstream - (at.upstream * at.output).sum(0, keepdims=True))),
            ("wrong_axis", lambda at: at.output * (at.upstream - (at.upstream * at.output).sum())),
            ("mean_instead_of_sum", lambda at: at.output * (at.upstream - (at.upstream * at.output).mean(1)[:, None])),
            ("wrong_sign", lambda at: at.output * (at.upstream + (at.upstream * at.output).sum(1, keepdims=True))),
            ("input_for_output", lambda at: at["input"] * (at.upstream - (at.upstream * at["input"]).sum(1)[:, None])),
            ("cross_entropy_mixed_in", lambda at: at.output - at.upstream),
            ("upstream_ignored", lambda at: at.output * (1 - at.output)),
        ],
    },
)
