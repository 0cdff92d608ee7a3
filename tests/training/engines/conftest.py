"""What the tests of engines share: one training by two engines."""

import warnings
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import pytest
import torch

import corenet as cn
from corenet.training.engines.chunks import Chunks
from corenet.training.engines.cpu.engine import KEPT
from corenet.training.engines.cpu.epoch_loop import EpochLoop
from corenet.training.engines.cpu.step_loop import CompiledLoop


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """Let no test find what another had compiled."""
    for each in ("_kept", "_rests", "_evaluations"):
        monkeypatch.setattr(KEPT, each, OrderedDict())


@dataclass
class Trained:
    model: cn.Module
    optimizer: cn.Optimizer
    history: cn.History | None
    error: BaseException | None
    told: list[str]  # the warnings of the engine

    def everything(self):
        """Return all that a training leaves."""
        found = [self.model.state_dict(), self.optimizer.state_dict()]
        gradients = [parameter.grad.clone() for parameter in self.model.parameters()]
        return [*found, gradients, self.history.losses if self.history else []]


@contextmanager
def engine_warnings():
    """Collect the warnings of engines; any other stays an error."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("error")
        warnings.simplefilter("always", cn.EngineWarning)
        warnings.simplefilter("ignore", cn.AdviceWarning)
        yield told


def generator(model, data):
    """A metric: where torch's generator stands."""
    state = torch.get_rng_state().double()
    return float(state @ torch.arange(len(state), dtype=torch.float64))


@pytest.fixture
def trained():
    """Train what ``make()`` returns by an engine, on a copy of the data; an error is kept.

    Before the first epoch, number 0, and after each, ``change(epoch, *parts, data)`` may change anything.
    """

    def train(make, engine, data, epochs=3, batch_size=8, metrics=(generator,), change=None):
        torch.manual_seed(1)
        parts = make()
        data = cn.data.Dataset(data.inputs.clone(), data.targets.clone())

        numbers = count()

        def changing(model, data):
            change(next(numbers), *parts, data)
            return 0.0

        if change:
            changing(parts[0], data)
            metrics = (*metrics, changing)
        options = {"epochs": epochs, "batch_size": batch_size, "seed": 3, "metrics": metrics, "progress": False}
        with engine_warnings() as told:
            try:
                history, error = cn.fit(*parts, data, engine=engine, **options), None
            except BaseException as raised:  # noqa: BLE001 - the two engines are to raise the same
                history, error = None, raised
        model, _, optimizer = parts
        return Trained(model, optimizer, history, error, [str(each.message) for each in told])

    return train


@pytest.fixture
def chunks(monkeypatch):
    """The numbers of steps that were done in one call, in their order; however often one is verified counts once."""
    begin, run, of, found, looked_at = Chunks.__init__, CompiledLoop.run, {}, [], []

    def begun(self, learner, loop):
        begin(self, learner, loop)
        of[loop] = self

    def spied(self, inputs, targets, rates, steps_per_epoch):
        if of[self].verified or self not in looked_at:
            found.append(len(rates))
        looked_at.append(self)
        return run(self, inputs, targets, rates, steps_per_epoch)

    monkeypatch.setattr(Chunks, "__init__", begun)
    monkeypatch.setattr(CompiledLoop, "run", spied)
    run_epochs = EpochLoop.run

    def spied_epochs(self, inputs, targets, rates, epochs, steps):
        found.append(len(rates))
        return run_epochs(self, inputs, targets, rates, epochs, steps)

    monkeypatch.setattr(EpochLoop, "run", spied_epochs)
    return found


@pytest.fixture
def alike(trained, chunks):
    """Train by both engines, demand the same of both, and return what compiled steps left.

    ``many`` says whether many of them are to be done in one call.
    """

    def train(make, data, many=True, exact=False, engine="compiled", **options):
        plain, compiled = (trained(make, name, data, **options) for name in ("plain", "compiled"))
        double = data.inputs.dtype is torch.float64
        tolerance = {"rtol": 0, "atol": 0} if exact else {"rtol": 1e-11, "atol": 1e-12} if double else {}
        torch.testing.assert_close(compiled.everything(), plain.everything(), equal_nan=True, **tolerance)
        assert (type(compiled.error), str(compiled.error)) == (type(plain.error), str(plain.error))
        if plain.history is not None:
            assert compiled.history.engine == engine
            assert bool(compiled.told) == (engine != "compiled"), compiled.told
            assert [(each.lr, each.train) for each in compiled.history] == [
                (each.lr, each.train) for each in plain.history
            ]
        assert (len(chunks) > 1) == many, chunks  # the first verifies them
        return compiled

    return train


@pytest.fixture(autouse=True)
def _unadvised():
    """Let trainings here be as bad as they are: what runs them is looked at, not whether they are any good."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cn.AdviceWarning)
        yield
