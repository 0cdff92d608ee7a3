"""What the tests of checkpoints share: a file, a network, and what writes one to the other."""

import pytest
import torch

import corenet as cn

TRAIN = cn.data.disk(40, seed=0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def _network(width=4):
    return cn.Sequential(cn.Linear(2, width), cn.Tanh(), cn.Dropout(0.2), cn.Linear(width, 1), cn.Sigmoid())


def _sgd(model, lr=0.1, momentum=0.9):
    return cn.SGD(model.parameters(), lr=lr, momentum=momentum, lr_decay=0.01)


@pytest.fixture
def network():
    """Return what makes a network."""
    return _network


@pytest.fixture
def sgd():
    """Return what makes its optimizer."""
    return _sgd


@pytest.fixture
def train():
    """Train a model from one epoch to another."""

    def run(model, optimizer, first, last):
        loss = cn.BCELoss()
        for epoch in range(first, last):
            torch.manual_seed(epoch)
            for input, target in TRAIN.batches(10, seed=0, epoch=epoch):
                cn.train_step(model, loss, optimizer, input, target)

    return run


@pytest.fixture
def saved(path):
    """Write a checkpoint of a model and an optimizer that has a state."""

    def write(model, momentum=0.9):
        optimizer = _sgd(model, momentum=momentum)
        for parameter in model.parameters():
            parameter.grad.fill_(1.0)
        optimizer.step()
        cn.save(path, model, optimizer)

    return write
