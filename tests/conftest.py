"""What all tests share. Torch is imported where it is used only: the start-up gate runs without it."""

from __future__ import annotations

import os
import sys

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tests run side by side, so each keeps to one core


@pytest.fixture(autouse=True)
def _seeded():
    """Start every test from the same state of torch's generator."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def oracle():
    """PyTorch's own derivative: ``oracle(function, *tensors) -> value, gradients``.

    ``upstream`` is the gradient with respect to the value, ones if None.
    """
    import torch

    def derive(function, *tensors, upstream=None):
        leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
        value = function(*leaves)
        value.backward(torch.ones_like(value) if upstream is None else upstream)
        return value.detach(), [leaf.grad for leaf in leaves]

    return derive
