"""What the tests of a step and of what it refuses share."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.native.compiler import compiler


@pytest.fixture
def batch():
    def make_batch():
        return torch.rand(8, 2), torch.rand(8, 1).round()

    return make_batch


@pytest.fixture
def linear():
    def make_linear(width=1):
        return cn.Linear(2, width)

    return make_linear


@pytest.fixture
def momentum():
    def make_momentum(model):
        return cn.SGD(model.parameters(), lr=0.1, momentum=0.9)

    return make_momentum


@pytest.fixture
def everything():
    def make_everything(model, optimizer):
        """Return a copy of all that a step writes."""
        state = optimizer.state_dict()
        return [model.state_dict(), state["states"], state["steps"]]

    return make_everything


@pytest.fixture(scope="session")
def needs_compiler():
    """Skip a test where nothing can be compiled."""
    if compiler() is None:
        pytest.skip("needs a C compiler")
