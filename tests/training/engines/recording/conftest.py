"""What the tests of recordings share: learners around one module."""

import pytest
import torch

import corenet as cn
from corenet.training.learner import Learner


@pytest.fixture
def learner():
    """Return a learner with ``middle`` between two affine maps."""

    def make(*middle, loss=None, optimizer=cn.SGD, lr=0.1, **settings):
        torch.manual_seed(0)
        model = cn.Sequential(cn.Linear(2, 3), *middle, cn.Tanh(), cn.Linear(3, 1))
        return Learner(model, loss or cn.MSELoss(), optimizer(model.parameters(), lr=lr, **settings))

    return make


@pytest.fixture
def batches():
    """Return as many batches as one likes, each with other numbers."""

    def make(count, points=5):
        generator = torch.Generator().manual_seed(1)
        return [
            (torch.randn(points, 2, generator=generator), torch.randn(points, 1, generator=generator))
            for _ in range(count)
        ]

    return make
