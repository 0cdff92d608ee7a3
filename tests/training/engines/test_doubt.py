"""Components that do what no log shows: each is trained as by the plain step, whichever engine is asked for."""

import random

import numpy as np
import pytest
import torch

import corenet as cn
from corenet.training.engines.recording.recorder import SHAPES
from corenet.training.engines.replay import Replay
from corenet.training.learner import Learner

DATA = cn.data.Dataset(
    torch.randn(100, 4, generator=torch.Generator().manual_seed(0)), torch.linspace(-1, 1, 100)[:, None]
)


class Shifts(cn.Module):
    """Changes its input in place."""

    def forward(self, input):
        input.sub_(0.5)
        self.save(input)
        return input * 1.0

    def backward(self, grad_output):
        self.saved()
        return grad_output


class Skips(cn.Module):
    """Stochastic depth, by a generator of Python's or numpy's."""

    def __init__(self, draw):
        self.draw = draw

    def forward(self, input):
        factor = 0.0 if self.draw() < 0.2 else 1.0
        self.save(torch.tensor(factor))
        return input * factor

    def backward(self, grad_output):
        (factor,) = self.saved()
        return grad_output * factor


class Penalised(cn.MSELoss):
    """Adds what is too large to a number that it makes in each step."""

    def elements(self, input, target):
        too_large = torch.tensor(0.0)
        too_large += torch.relu(input.abs().amax() - 0.3)
        return super().elements(input, target) + too_large

    def derivative(self, input, target):
        return super().derivative(input, target)


class Scales(cn.Module):
    """Divides by the deviation of its input, which it takes past torch, and for a constant."""

    def forward(self, input):
        deviation = float(input.numpy().std())
        self.save(torch.tensor(deviation))
        return input / deviation

    def backward(self, grad_output):
        (deviation,) = self.saved()
        return grad_output / deviation


class Warm(cn.SGD):
    """Starts with a rate of 0."""

    @property
    def current_lr(self):
        return self.lr * min(1, self.steps / 50)


class Counts(cn.Module):
    """Counts its steps in a tensor that is no buffer."""

    def __init__(self):
        self.count = torch.zeros(())

    def forward(self, input):
        self.count.add_(1.0)
        self.save(input)
        return input * 1.0

    def backward(self, grad_output):
        self.saved()
        return grad_output


def build(module=cn.Tanh, loss=cn.MSELoss, optimizer=cn.SGD, first=False, lr=0.1):
    def make():
        random.seed(5)
        np.random.seed(5)
        middle = [module(), cn.Linear(4, 16)] if first else [cn.Linear(4, 16), module()]
        model = cn.Sequential(*middle, cn.Tanh(), cn.Linear(16, 1))
        return model, loss(), optimizer(model.parameters(), lr=lr)

    return make


ODD = {
    "changes its input": (build(Shifts, first=True), 20),
    "draws in Python": (build(lambda: Skips(random.random)), 20),
    "draws in numpy": (build(lambda: Skips(np.random.rand)), 20),
    "adds to a number of its own": (build(loss=Penalised), 20),
    "keeps a constant of the weights": (build(Scales, optimizer=Warm), 100),
    "keeps a constant of the weights, warm": (build(Scales), 100),
    "counts in a tensor": (build(Counts), 20),
}


@pytest.mark.parametrize("engine", ["replay", "compiled"])
@pytest.mark.parametrize("name", ODD)
def test_it_is_trained_as_by_the_plain_step(name, engine, trained, request):
    if engine == "compiled":
        request.getfixturevalue("needs_compiler")
    make, batch_size = ODD[name]
    plain, found = (trained(make, each, DATA, epochs=12, batch_size=batch_size) for each in ("plain", engine))
    torch.testing.assert_close(found.everything(), plain.everything(), rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("needs_compiler")
def test_a_count_in_a_tensor_is_undone_with_the_chunk(trained):
    plain, found = (
        trained(build(Counts, lr=40.0), each, DATA, epochs=50, batch_size=20) for each in ("plain", "compiled")
    )
    assert str(found.error) == str(plain.error)
    assert found.model[1].count == plain.model[1].count


def test_batches_of_ever_other_shapes_are_trained_plainly_after_some():
    torch.manual_seed(1)
    engine = Replay(Learner(*build()()))
    for size in (*range(1, 60), *range(1, 60)):
        engine.step(DATA.inputs[:size], DATA.targets[:size])
    assert len(engine.recorder.steps) == SHAPES == 32
