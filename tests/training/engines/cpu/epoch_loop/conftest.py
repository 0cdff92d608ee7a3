"""What the tests of whole epochs share: one training by two engines, and how many epochs were done in each call."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.cpu.epoch_loop import EpochLoop


def double(data):
    return cn.data.Dataset(data.inputs.double(), data.targets.double())


@pytest.fixture
def build():
    """Return what makes a maker of a model with ``middle`` inside, its loss and its optimizer."""

    def building(*middle, loss=cn.BCELoss, last=cn.Sigmoid, lr=0.1, **settings):
        def make():
            layers = [cn.Linear(2, 6), cn.Tanh(), *(each() for each in middle), cn.Linear(6, 1), last()]
            model = cn.Sequential(*layers)
            model.to(dtype=torch.float64)
            return model, loss(), cn.SGD(model.parameters(), **{"lr": lr, "momentum": 0.9, "lr_decay": 0.01} | settings)

        return make

    return building


@pytest.fixture(scope="session")
def points():
    """Return training and validation data: 53 and 31 points."""
    return double(cn.data.disk(53, seed=0)), double(cn.data.disk(31, seed=1))


@pytest.fixture
def together(monkeypatch):
    """How many epochs were done in each call."""
    run, found = EpochLoop.run, []

    def spied(self, inputs, targets, rates, epochs, steps):
        found.append(epochs)
        return run(self, inputs, targets, rates, epochs, steps)

    monkeypatch.setattr(EpochLoop, "run", spied)
    return found


@pytest.fixture
def same(everything, points):
    """Train by both engines, demand the same weights, states, losses and measures, and return the compiled history."""

    def train(make, measured=True, epochs=40, batch_size=8, **options):
        found = []
        for engine in ("plain", "compiled"):
            torch.manual_seed(1)
            model, loss, optimizer = make()
            parts = [
                None if each is None else cn.data.Dataset(each.inputs.clone(), each.targets.clone())
                for each in (points if measured else (points[0], None))
            ]
            history = cn.fit(
                model,
                loss,
                optimizer,
                *parts,
                epochs=epochs,
                batch_size=batch_size,
                engine=engine,
                progress=False,
                **options,
            )
            rows = [(each.loss, each.lr, {**each.train}, {**each.valid}) for each in history]
            found.append((everything(model, optimizer), rows))
        plain, compiled = found
        torch.testing.assert_close(compiled, plain, rtol=1e-10, atol=1e-11)
        assert history.engine == "compiled"
        return history

    return train
