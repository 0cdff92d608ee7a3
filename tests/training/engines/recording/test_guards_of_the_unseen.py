"""Generators are seen to move, and what changes without being seen cannot be recorded."""

import random

import numpy
import pytest
import torch

import corenet as cn
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.unsupported import NotRecordable


class Scaled(cn.Module):
    """y = c x, with a factor that a subclass finds somewhere."""

    def forward(self, input):
        return self.factor() * input

    def backward(self, grad_output):
        return self.factor() * grad_output

    def factor(self):
        return 1.0


GENERATORS = {
    "Python's own": (random.Random(0), lambda rng: rng.random()),
    "numpy's": (numpy.random.default_rng(0), lambda rng: rng.random()),
    "numpy's old": (numpy.random.RandomState(0), lambda rng: rng.rand()),
    "torch's": (torch.Generator().manual_seed(0), lambda rng: torch.rand(1, generator=rng)),
}


class Skips(Scaled):
    """Asks a generator of its own."""

    def __init__(self, generator, draw):
        self.generator, self.draw = generator, draw

    def factor(self):
        return 1.0 if float(self.draw(self.generator)) < 0.9 else 0.0


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generator_of_its_own_is_seen_to_move(name):
    generator, draw = GENERATORS[name]
    model = cn.Sequential(Skips(generator, draw))
    guards = Guards.of_step(model, cn.MSELoss())
    assert guards.changed() is None
    model(torch.ones(2))
    assert guards.changed() == "model.0.generator"


class Looks(Scaled):
    def __init__(self, look):
        self.look = look

    def factor(self):
        return self.look()


@pytest.mark.parametrize(
    "look",
    [
        lambda: float(open("/dev/null").read() or 1),  # noqa: SIM115 - it is never called
        lambda: id(Scaled),
        lambda: float(input()),
        lambda: next(iter((1.0,))),
        lambda: eval("1.0"),
        lambda: 1.0 if torch.get_default_dtype() is torch.float32 else 2.0,
    ],
)
def test_what_changes_without_being_seen_cannot_be_recorded(look):
    guards = Guards.of_step(cn.Sequential(Looks(look)), cn.MSELoss())
    with pytest.raises(NotRecordable, match="which may change without being seen"):
        guards.refuse_unseen()
