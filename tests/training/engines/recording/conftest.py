"""What the tests of recordings share: learners around one module, and changes of what a step reads."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.unsupported import NotRecordable
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


@pytest.fixture
def apply(monkeypatch):
    """Change a module; a change of what outlives it, a class or a global, takes the patch as well."""

    def run(change, module):
        change(module, monkeypatch) if change.__code__.co_argcount == 2 else change(module)

    return run


@pytest.fixture
def assert_seen(apply):
    """Demand that the guards of a step see a change of what its module reads."""

    def check(module, change):
        guards = Guards.of_step(cn.Sequential(module), cn.MSELoss())
        assert guards.changed() is None
        guards.refuse_unseen()
        apply(change, module)
        assert guards.changed() is not None
        with pytest.raises(NotRecordable, match="the step changes "):
            guards.refuse_changed("the step", "")

    return check
