"""The gradient that is there before a backward, to which backward must add."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from corenet.testing.gradcheck.deterministic import Deterministic

ALL_DIGITS = 1e-12


def refill(function: Deterministic, upstream: Tensor) -> None:
    """Put a gradient before each, of about the size of what backward adds, if backward loses or changes it.

    What is wrong with such a backward then shows in its gradients; of a right one they keep all digits.
    """
    alone = function.gradients(upstream)
    parameters = [name for name in alone if not function.is_input(name)]
    sizes = [alone[name].abs().max().item() for name in parameters if alone[name].numel()]
    largest = max((size for size in sizes if math.isfinite(size)), default=0.0)
    function.previous = 2.0 ** math.frexp(largest)[1] if largest else 1.0
    added = function.gradients(upstream)
    near = ALL_DIGITS * function.previous
    if all(torch.allclose(added[name], alone[name], rtol=0, atol=near, equal_nan=True) for name in parameters):
        function.previous = 0.0
