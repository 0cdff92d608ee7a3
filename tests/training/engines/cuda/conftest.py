"""What the tests of launches share: a device, or what stands in for one, and one training by two engines.

Where there is none, calls that are kept and called again stand in for a CUDA graph, on the processor.
"""

import pytest
import torch

import corenet as cn
from corenet.training.engines.cuda import capture as module
from corenet.training.engines.cuda.engine import _Block
from corenet.training.engines.recording.rng_state import rng_states

NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
FLOAT = cn.data.disk(70, seed=0)
DOUBLE = cn.data.Dataset(FLOAT.inputs.double(), FLOAT.targets.double())


@pytest.fixture(params=["stand-in", pytest.param("cuda", marks=NEEDS_CUDA)])
def device(request, monkeypatch):
    """The device to train on."""
    if request.param == "cuda":
        return "cuda"

    def capture(do, device):
        do()
        return do

    monkeypatch.setattr(module, "capture", capture)
    monkeypatch.setattr(module, "has_graphs", lambda device: True)
    return "cpu"


@pytest.fixture
def blocks(monkeypatch):
    """How many steps were in each launch of several, in their order; none is cut short because others took long."""
    monkeypatch.setattr("corenet.training.engines.cuda.engine.SECONDS", 1000)
    call, found = _Block.__call__, []

    def spied(self, given, made):
        found.append(len(given[0]))
        call(self, given, made)

    monkeypatch.setattr(_Block, "__call__", spied)
    return found


def generators(model, data):
    """A metric: where all generators stand."""
    states = torch.cat(rng_states()).double()
    return float(states @ torch.arange(len(states), dtype=torch.float64))


@pytest.fixture
def alike(trained, device, blocks):
    """Train plainly and by launches, demand the same of both, and return what the launches left."""

    def train(make, data=DOUBLE, engine="graph", many=True, metrics=None, **options):
        data, metrics = data.to(device), (generators,) if metrics is None else metrics
        plain, graph = (
            trained(lambda: make(device), name, data, metrics=metrics, **options) for name in ("plain", "graph")
        )
        double = data.inputs.dtype is torch.float64
        tolerance = {"rtol": 1e-11, "atol": 1e-12} if double else {}
        torch.testing.assert_close(graph.everything(), plain.everything(), equal_nan=True, **tolerance)
        assert (type(graph.error), str(graph.error)) == (type(plain.error), str(plain.error))
        if plain.history is not None:
            assert graph.history.engine == engine
            assert bool(graph.told) == (engine != "graph"), graph.told
            assert [(each.lr, each.train) for each in graph.history] == [
                (each.lr, each.train) for each in plain.history
            ]
        assert bool(blocks) == many
        return graph

    return train
