"""What the tests of fit share: a network that draws, trained for a short while."""

import pytest
import torch

import corenet as cn

TRAIN = cn.data.disk(50, seed=0)
SHORT = {"epochs": 3, "batch_size": 20, "progress": False}  # 20, 20 and 10 points


def _network(p=0.3, width=6):
    torch.manual_seed(7)
    return cn.Sequential(cn.Linear(2, width), cn.ReLU(), cn.Dropout(p), cn.Linear(width, 1), cn.Sigmoid())


def _sgd(model, lr=0.2):
    return cn.SGD(model.parameters(), lr=lr, momentum=0.9, lr_decay=0.01)


@pytest.fixture
def network():
    """Return what makes a network, always with the same weights."""
    return _network


@pytest.fixture
def sgd():
    """Return what makes its optimizer."""
    return _sgd


@pytest.fixture
def trained():
    """Return a model after a short fit, and its history."""

    def train(model=None, seed=3, **options):
        model = model or _network()
        return model, cn.fit(model, cn.BCELoss(), _sgd(model), TRAIN, seed=seed, **SHORT | options)

    return train


class SpoilAt(cn.Module):
    """Turns the gradient into NaN at the given step, counted from 1."""

    def __init__(self, step):
        self.left = step

    def forward(self, input):
        return input

    def backward(self, grad_output):
        self.left -= 1
        return grad_output if self.left else grad_output * float("nan")


@pytest.fixture
def spoil_at():
    """Return a module that passes everything on but the gradient of one step."""
    return SpoilAt
