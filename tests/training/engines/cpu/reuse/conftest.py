"""What the tests of reuse share: rounds of one network, what they leave, and how much was made for them."""

import warnings

import pytest
import torch

import corenet as cn
from corenet.training.engines.cpu import engine as cpu
from corenet.training.engines.cpu.reuse import Templates
from corenet.training.engines.recording import recorder

FLOAT = cn.data.disk(48, seed=0)
DATA = cn.data.Dataset(FLOAT.inputs.double(), FLOAT.targets.double())
OPTIONS = {"rounds": 3, "epochs": 5, "batch_size": 8, "seed": 10, "progress": False}


@pytest.fixture
def data():
    """The points that rounds are trained on if nothing else is said."""
    return DATA


@pytest.fixture
def options():
    """What rounds are trained with if nothing else is said."""
    return OPTIONS


def _build(middle=None, loss=lambda r: cn.BCELoss(), optimizer=cn.SGD, tied=(), **settings):
    """Return a factory of networks with a ``middle``, tied in some rounds; functions are called with the round."""
    settings = {"lr": 0.1} | ({"momentum": 0.9, "lr_decay": 0.01} if optimizer is cn.SGD else {}) | settings

    def factory(round):
        layers = [cn.Linear(2, 6), cn.Tanh(), cn.Linear(6, 6), cn.Linear(6, 6), cn.Linear(6, 1), cn.Sigmoid()]
        model = cn.Sequential(*layers, *([middle(round)] if middle else []))
        model.to(dtype=torch.float64)
        if round in tied:
            model[3].weight = model[2].weight
        chosen = {name: value(round) if callable(value) else value for name, value in settings.items()}
        return model, loss(round), optimizer(model.parameters(), **chosen)

    return factory


@pytest.fixture
def build():
    """Return what makes a factory of networks: ``build(middle, loss, optimizer, tied, **settings)``."""
    return _build


@pytest.fixture
def noisy():
    """Return a factory of networks that draw, in the middle."""

    def factory(round):
        (first, *others), loss, _ = _build()(round)
        model = cn.Sequential(first, cn.Dropout(0.3), *others)
        return model, loss, cn.SGD(model.parameters(), lr=0.1, momentum=0.9)

    return factory


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    """What the process keeps: nothing yet."""
    templates = Templates()
    monkeypatch.setattr(cpu, "KEPT", templates)
    return templates


@pytest.fixture
def made(monkeypatch):
    """Which recordings and loops were made, each by itself."""
    found, log, loop = [], recorder.log_step, cpu.CFunctions.loop

    def logged(*arguments):
        found.append("recording")
        return log(*arguments)

    def looped(*arguments):
        found.append("loop")
        return loop(*arguments)

    monkeypatch.setattr(recorder, "log_step", logged)
    monkeypatch.setattr(cpu.CFunctions, "loop", looped)
    return found


@pytest.fixture
def trained(everything):
    """Train rounds by an engine; return all that they leave, their histories, and what ran."""

    def train(factory, engine, data=DATA, metric=None, **options):
        kept, calls = [], []

        def keeping(round):
            kept.append(factory(round))
            return kept[-1]

        def changing(model, data):
            calls.append(metric(len(calls) + 1, kept))
            return 0.0

        metrics = [changing] if metric else []
        results = cn.fit_rounds(keeping, data, engine=engine, metrics=metrics, **OPTIONS | options)
        histories = [[(each.loss, each.lr) for each in history] for _, history in results]
        left = [[*everything(m, o), [each.grad.clone() for each in m.parameters()]] for m, _, o in kept]
        return left, histories, {history.engine for _, history in results}

    return train


@pytest.fixture
def alike(trained, made):
    """Demand of compiled rounds what plain ones leave; return how many recordings and loops were made for them."""

    def compare(make, engine="compiled", rtol=1e-10, **options):
        *plain, _ = trained(make(), "plain", **options)
        made.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cn.EngineWarning)
            *compiled, ran = trained(make(), "compiled", **options)
        torch.testing.assert_close(compiled, plain, rtol=rtol, atol=rtol / 10)
        assert ran == {engine}
        return made.count("recording"), made.count("loop")

    return compare
