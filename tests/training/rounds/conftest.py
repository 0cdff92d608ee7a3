"""What the tests of rounds share: factories of networks, and one round trained alone."""

import pytest
import torch

import corenet as cn

TRAIN = cn.data.disk(50, seed=0)
SHORT = {"epochs": 3, "batch_size": 20, "progress": False}  # 20, 20 and 10 points


def _build(*middle, loss=cn.BCELoss, **settings):
    """Return a factory of networks with ``middle`` inside, whose rates may differ by round."""
    settings = {"lr": 0.2, "momentum": 0.9, "lr_decay": 0.01} | settings

    def factory(round):
        parts = [each() for each in middle]
        model = cn.Sequential(cn.Linear(2, 6), cn.ReLU(), *parts, cn.Linear(6, 1), cn.Sigmoid())
        chosen = {name: value(round) if callable(value) else value for name, value in settings.items()}
        return model, loss(), cn.SGD(model.parameters(), **chosen)

    return factory


@pytest.fixture
def build():
    """Return what makes a factory: ``build(*middle, loss, **settings)``."""
    return _build


@pytest.fixture
def factory():
    return _build()


@pytest.fixture
def noisy():
    return _build(lambda: cn.Dropout(0.3))


@pytest.fixture
def alone():
    """Train one round as fit does; return its model, history and optimizer."""

    def train(factory, round, valid=None, seed=10):
        torch.manual_seed(cn.data.stream("weights", seed + round))
        model, loss, optimizer = factory(round)
        history = cn.fit(model, loss, optimizer, TRAIN, valid, seed=seed + round, engine="plain", **SHORT)
        return model, history, optimizer

    return train


@pytest.fixture
def assert_close():
    """Demand of two models that they have the same state."""

    def compare(left, right, **tolerance):
        torch.testing.assert_close(left.state_dict(), right.state_dict(), **tolerance)

    return compare
