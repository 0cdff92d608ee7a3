"""Right modules that hold others, or share or tie what they hold: the kit finds nothing wrong with them."""

from typing import NamedTuple

import pytest
import torch

import corenet as cn
from corenet.testing import check_component


class Residual(cn.Module):
    """``y = x + f(x)``."""

    def __init__(self):
        self.inner = cn.Sequential(cn.Linear(3, 4), cn.Tanh(), cn.Linear(4, 3))

    def forward(self, input):
        return input + self.inner(input)

    def backward(self, grad_output):
        return grad_output + self.inner.backward(grad_output)


class Stages(cn.Module):
    """A chain whose modules stand in a dict."""

    def __init__(self):
        self.stages = {"narrow": cn.Linear(3, 2), "bend": cn.Tanh(), "widen": cn.Linear(2, 4)}

    def forward(self, input):
        for stage in self.stages.values():
            input = stage(input)
        return input

    def backward(self, grad_output):
        for stage in reversed(self.stages.values()):
            grad_output = stage.backward(grad_output)
        return grad_output


class Parallel(cn.Module):
    """The sum of what modules in a list give, each a tuple with the gate before it."""

    def __init__(self):
        self.branches = [(cn.Sigmoid(), cn.Linear(3, 2)), (cn.Tanh(), cn.Linear(3, 2, bias=False))]

    def forward(self, input):
        return sum(linear(gate(input)) for gate, linear in self.branches)

    def backward(self, grad_output):
        return sum(gate.backward(linear.backward(grad_output)) for gate, linear in self.branches)


class Autoencoder(cn.Module):
    """Two modules with one weight: ``y = tanh(x Wᵀ) W``."""

    def __init__(self, features=3, code=2):
        self.encoder = cn.Linear(features, code)
        self.bend = cn.Tanh()
        self.decoder = Transposed(self.encoder.weight)

    def forward(self, input):
        return self.decoder(self.bend(self.encoder(input)))

    def backward(self, grad_output):
        return self.encoder.backward(self.bend.backward(self.decoder.backward(grad_output)))


class Transposed(cn.Module):
    def __init__(self, weight):
        self.weight = weight

    def forward(self, input):
        self.save(input)
        return input @ self.weight

    def backward(self, grad_output):
        (input,) = self.saved()
        rows, grads = input.reshape(-1, input.shape[-1]), grad_output.reshape(-1, grad_output.shape[-1])
        self.weight.grad += rows.T @ grads
        return grad_output @ self.weight.T


class Highway(cn.Module):
    """``y = t·h + (1 − t)·x`` with a gate ``t`` and a transform ``h`` of ``x``."""

    def __init__(self, features=3):
        self.gate = cn.Sequential(cn.Linear(features, features), cn.Sigmoid())
        self.transform = cn.Sequential(cn.Linear(features, features), cn.Tanh())

    def forward(self, input):
        gate, transform = self.gate(input), self.transform(input)
        self.save(input, gate, transform)
        return gate * transform + (1 - gate) * input

    def backward(self, grad_output):
        input, gate, transform = self.saved()
        through_gate = self.gate.backward(grad_output * (transform - input))
        return through_gate + self.transform.backward(grad_output * gate) + grad_output * (1 - gate)


class GLU(cn.Module):
    """``y = a · σ(b)``, of the two halves of the features."""

    def forward(self, input):
        left, right = input.chunk(2, -1)
        gate = torch.sigmoid(right)
        self.save(left, gate)
        return left * gate

    def backward(self, grad_output):
        left, gate = self.saved()
        return torch.cat([grad_output * gate, grad_output * left * gate * (1 - gate)], -1)


class Split(cn.Module):
    """A linear layer whose backward comes in two halves."""

    def __init__(self):
        self.weight = cn.Parameter(torch.randn(2, 3))

    def forward(self, input):
        self.save(input)
        return input @ self.weight.T

    def backward(self, grad_output):
        self.backward_parameters(grad_output)
        return grad_output @ self.weight

    def backward_parameters(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += torch.einsum("...i,...j->ij", grad_output, input)


class Weights(NamedTuple):
    scale: cn.Parameter
    shift: cn.Parameter


class Named(cn.Module):
    """Its parameters stand in a named tuple."""

    def __init__(self):
        self.weights = Weights(cn.Parameter(torch.rand(3)), cn.Parameter(torch.rand(3)))

    def forward(self, input):
        self.save(input)
        return self.weights.scale * input + self.weights.shift

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weights.scale.grad += (grad_output * input).reshape(-1, 3).sum(0)
        self.weights.shift.grad += grad_output.reshape(-1, 3).sum(0)
        return self.weights.scale * grad_output


class FixedProjection(cn.Module):
    """A projection that is drawn once and never trained, and a part that isn't there."""

    def __init__(self):
        self.projection = cn.Buffer(torch.randn(3, 2))
        self.bias = None

    def forward(self, input):
        return input @ self.projection

    def backward(self, grad_output):
        return grad_output @ self.projection.T


class Typed(cn.Module):
    """Converts its input to what its weights are, and the gradient back."""

    def __init__(self):
        self.scale = cn.Parameter(torch.ones(3))

    def forward(self, input):
        self.save(input)
        return input.to(self.scale.dtype) * self.scale

    def backward(self, grad_output):
        (input,) = self.saved()
        self.scale.grad += (grad_output * input).reshape(-1, 3).sum(0)
        return (grad_output * self.scale).to(input.dtype)


def mlp(hidden):
    return cn.Sequential(cn.Linear(3, hidden), cn.ReLU(), cn.Dropout(0.5), cn.Linear(hidden, 1), cn.Sigmoid())


def empty():
    return cn.Sequential(cn.Sequential(), cn.Tanh())


RIGHT = {
    "residual": (Residual, cn.Case()),
    "modules in a dict": (Stages, cn.Case()),
    "modules in tuples in a list": (Parallel, cn.Case()),
    "tied weights": (Autoencoder, cn.Case()),
    "highway": (Highway, cn.Case()),
    "gated linear unit": (GLU, cn.Case(shape=(4, 6))),
    "a backward in two halves": (Split, cn.Case()),
    "parameters in a named tuple": (Named, cn.Case()),
    "a projection that isn't trained": (FixedProjection, cn.Case()),
    "conversion": (Typed, cn.Case()),
    "a function that makes a chain": (mlp, cn.Case({"hidden": 8})),
    "an empty chain in a chain": (empty, cn.Case()),
    "a lambda": (lambda: cn.Sequential(cn.Linear(3, 2), cn.Tanh()), cn.Case()),
}


@pytest.mark.parametrize(("component", "case"), RIGHT.values(), ids=RIGHT)
def test_nothing_is_wrong_with(component, case):
    report = check_component(component, kind="module", cases=[case])
    assert report.ok, str(report)
