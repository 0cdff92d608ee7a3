"""Dropout: each element is zero with probability p, the others grow by 1 / (1 − p)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from corenet.contracts.module import Module
from corenet.grading.textbook import Arguments, Point, Textbook, Worked

SIGMAS = 6  # how far the share of dropped elements may be from p


class Dropout(Module):
    """Dropout, y = x m / (1 − p); each element of the mask m is 0 with probability p, else 1. x is (N, D).

    In evaluation, where self.training is False, y = x.
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        """Return y for x, the input."""
        if not self.training:
            return input.clone()
        factor = (torch.rand_like(input) >= self.p) / (1 - self.p)
        self.save(factor)
        return input * factor

    def backward(self, grad_output: Tensor) -> Tensor:
        """Return the gradient of the input."""
        (factor,) = self.saved()
        return grad_output * factor  # what forward multiplied x by, and no other draw


def dropout_forward(
    input: np.ndarray, p: float, random: np.random.Generator, training: bool = True
) -> tuple[np.ndarray, Any]:
    """Return y = x m / (1 − p), and a cache for backward.

    input x is (N, D). Each element of the mask m is 0 with probability p, else 1, as drawn from random. Where
    training is False, y = x.
    """
    if not training:
        return input.copy(), np.ones_like(input)
    factor = (random.random(input.shape) >= p) / (1 - p)
    return input * factor, factor


def dropout_backward(grad_output: np.ndarray, cache: Any) -> np.ndarray:
    """Return the gradient of the input, for that of the output, (N, D)."""
    factor: np.ndarray = cache
    return grad_output * factor


def _draw(random: np.random.Generator, rows: int) -> Arguments:
    return {
        "input": random.normal(2.0, 1.0, (rows, 23)),
        "p": 0.75,  # 1 / (1 − p) is exact in float32, which masks are often made in
        "random": np.random.default_rng(0),
        "training": True,
    }


def _settle(point: Point, output: np.ndarray) -> Worked:
    """Return what is right for the mask that an output shows; for another, if it can hardly be one."""
    input, p = point.arguments["input"], point.arguments["p"]
    if not point.arguments["training"]:
        return Worked(point, input, np.ones_like(input), {})
    kept = output != 0 if output.shape == input.shape else np.ones_like(input, dtype=bool)
    share = 1 - kept.mean()
    if abs(share - p) > SIGMAS * (p * (1 - p) / kept.size) ** 0.5 or (kept.size > 100 and share in (0, 1)):
        kept = np.random.default_rng(point.seed).random(input.shape) >= p
    factor = kept / (1 - p)
    return Worked(point, input * factor, factor, {"input": point.upstream * factor})


def _mask(at: Worked) -> np.ndarray:
    return np.asarray(at.cache != 0)


TEXTBOOK = Textbook(
    name="dropout",
    formula="y = x m / (1 − p), each element of the mask m is 0 with probability p, else 1",
    module=Dropout,
    forward=dropout_forward,
    backward=dropout_backward,
    draw=_draw,
    construct=lambda given: (given["p"],),
    inputs=("input",),
    derived=("input",),
    settle=_settle,
    other={"p": 0.5},
    evaluation={"training": False},
    mistakes={
        "forward": [
            ("scale_forgotten", lambda at: at["input"] * _mask(at)),
            ("scale_inverted", lambda at: at["input"] * _mask(at) * (1 - at["p"])),
            ("keep_for_drop", lambda at: at["input"] * _mask(at) / at["p"]),
            ("always_trains", lambda at: at["input"] / (1 - at["p"])),
            ("nothing_dropped", lambda at: at["input"]),
        ],
        "input_gradient": [
            ("scale_forgotten", lambda at: at.upstream * _mask(at)),
            ("scale_inverted", lambda at: at.upstream * _mask(at) * (1 - at["p"])),
            ("keep_for_drop", lambda at: at.upstream * _mask(at) / at["p"]),
            ("scale_twice", lambda at: at.upstream * at.cache**2),
            ("mask_lost", lambda at: at.upstream / (1 - at["p"])),
            ("mask_lost", lambda at: at.upstream),
            ("mask_reversed", lambda at: at.upstream * ~_mask(at) / (1 - at["p"])),
            ("mask_reversed", lambda at: at.upstream * ~_mask(at)),
            ("upstream_ignored", lambda at: at.cache),
            ("upstream_ignored", lambda at: _mask(at) * 1.0),
            ("output_for_derivative", lambda at: at.upstream * at.output),
        ],
    },
)
