import pytest
import torch

import corenet as cn


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.fixture
def mlp():
    """A small chain in float64, the same in every test."""
    torch.manual_seed(0)
    return cn.Sequential(cn.Linear(3, 5), cn.Tanh(), cn.Linear(5, 2)).to(dtype=torch.float64)


@pytest.fixture
def fill_gradients():
    """Return a function that gives each parameter a random gradient, by seed."""

    def fill(parameters, seed=0):
        generator = torch.Generator().manual_seed(seed)
        for parameter in parameters:
            parameter.grad.copy_(torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))

    return fill
