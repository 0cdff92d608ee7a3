"""What the tests of training share: small parts, and components that are hard to record."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.cpu.cc import compiler


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
        if input.sum().item() > 1e9:
            raise cn.RangeError("Looks() takes input up to 1e9")
        return super().forward(input)


class Counts(cn.Tanh):
    """Keeps a number that is no tensor."""

    calls = 0

    def forward(self, input):
        self.calls += 1
        return super().forward(input)


class Hides(cn.Tanh):
    """Looks at its numbers where no kernel is called."""

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
        for gradient in self.layout.gradients():
            gradient.clamp_(-1e-3, 1e-3)
        super().step()


@pytest.fixture
def odd():
    """Components that are hard to record, by their names."""
    classes = (Scaled, Looks, Counts, Hides, Averages, Masks, Partial, Squashed, Clips)
    return {each.__name__: each for each in classes}


@pytest.fixture
def batch():
    def make_batch():
        return torch.rand(8, 2), torch.rand(8, 1).round()

    return make_batch


@pytest.fixture
def linear():
    def make_linear(width=1):
        return cn.Linear(2, width)

    return make_linear


@pytest.fixture
def momentum():
    def make_momentum(model):
        return cn.SGD(model.parameters(), lr=0.1, momentum=0.9)

    return make_momentum


@pytest.fixture
def everything():
    def make_everything(model, optimizer):
        """Return a copy of all that a step writes."""
        state = optimizer.state_dict()
        return [model.state_dict(), state["states"], state["steps"]]

    return make_everything


@pytest.fixture(scope="session")
def needs_compiler():
    """Skip a test where nothing can be compiled."""
    if compiler() is None:
        pytest.skip("needs a C compiler")
