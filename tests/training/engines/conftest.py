"""What the tests of engines share: odd components, and one training by two engines."""

from dataclasses import dataclass
from itertools import count

import pytest
import torch

import corenet as cn
from corenet.training.engines.native.loop import Loop


class Scaled(cn.Module):
    """y = c x with a factor that may be changed from outside."""

    factor = 1.0

    def forward(self, input):
        return self.factor * input

    def backward(self, grad_output):
        return self.factor * grad_output


class Looks(cn.Tanh):
    """Looks at its numbers."""

    def forward(self, input):
        assert input.sum().item() < 1e9
        return super().forward(input)


class Counts(cn.Tanh):
    """Keeps a number that is no tensor."""

    calls = 0

    def forward(self, input):
        self.calls += 1
        return super().forward(input)


class Hides(cn.Tanh):
    """Draws its numbers where no tape sees it."""

    def forward(self, input):
        return super().forward(input) * torch.from_numpy(input.detach().numpy() > 0).float().mean()


class Averages(cn.Module):
    """Keeps a running mean in a buffer."""

    def __init__(self):
        self.mean = cn.Buffer(torch.zeros(6))

    def forward(self, input):
        if self.training:
            self.mean.mul_(0.9).add_(input.mean(0), alpha=0.1)
        self.save(input)
        return input - self.mean.clone()

    def backward(self, grad_output):
        self.saved()
        return grad_output - 0.1 * grad_output.mean(0)


class Masks(cn.Module):
    """The shape inside depends on the numbers."""

    def forward(self, input):
        self.save(input > 0)
        return torch.zeros_like(input).index_put((input > 0,), input[input > 0])

    def backward(self, grad_output):
        (mask,) = self.saved()
        return grad_output * mask


class Partial(cn.Module):
    """Adds to a part of its gradient first, and to all of it after."""

    def __init__(self):
        self.weight = cn.Parameter(torch.ones(6))

    def forward(self, input):
        self.save(input)
        return input * self.weight

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad[0] += torch.relu(self.weight[0] - 1.01)
        self.weight.grad += (grad_output * input).sum(0)
        return grad_output * self.weight


class Squashed(cn.MSELoss):
    """Squashes its input before it looks at the difference, and refuses large ones."""

    def check(self, input, target):
        super().check(input, target)
        if input.abs().max() > 1e3:
            raise cn.RangeError("Squashed() takes input up to 1000")

    def elements(self, input, target):
        return (torch.tanh(input) - target).square()

    def derivative(self, input, target):
        squashed = torch.tanh(input)
        return 2 * (squashed - target) * (1 - squashed.square())


class Clips(cn.SGD):
    """Has a step of its own."""

    def step(self):
        for gradient in self.gradients():
            gradient.clamp_(-1e-3, 1e-3)
        super().step()


@pytest.fixture
def odd():
    """Components that are hard to record, by their names."""
    classes = (Scaled, Looks, Counts, Hides, Averages, Masks, Partial, Squashed, Clips)
    return {each.__name__: each for each in classes}


@dataclass
class Trained:
    model: cn.Module
    optimizer: cn.Optimizer
    history: cn.History | None
    error: BaseException | None

    def everything(self):
        """Return all that a training leaves."""
        found = [self.model.state_dict(), self.optimizer.state_dict()]
        gradients = [parameter.grad.clone() for parameter in self.model.parameters()]
        return [*found, gradients, self.history.losses if self.history else []]


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
        try:
            history, error = cn.fit(*parts, data, engine=engine, **options), None
        except BaseException as raised:  # noqa: BLE001 - the two engines are to raise the same
            history, error = None, raised
        model, _, optimizer = parts
        return Trained(model, optimizer, history, error)

    return train


@pytest.fixture
def stretches(monkeypatch):
    """The numbers of steps that were done in one call, in their order; a second look at their proof counts once."""
    run, found, tried = Loop.run, [], []

    def spied(self, inputs, targets, rates):
        if self.proven or self not in tried:
            found.append(len(rates))
        tried.append(self)
        return run(self, inputs, targets, rates)

    monkeypatch.setattr(Loop, "run", spied)
    return found


@pytest.fixture
def alike(trained, stretches):
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
            assert [(each.lr, each.train) for each in compiled.history] == [
                (each.lr, each.train) for each in plain.history
            ]
        assert (len(stretches) > 1) == many, stretches  # the first is their proof
        return compiled

    return train
