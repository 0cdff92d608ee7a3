"""Faults in the tensors, modes, random numbers and copies of a module, each planted in one that is right without it."""

import copy
import random
from types import SimpleNamespace

import numpy
import pytest
import torch

import corenet as cn
from corenet.contracts.saved import Saved
from corenet.testing import check_component


class Scale(cn.Module):
    """``y = w·x``, feature by feature."""

    def __init__(self):
        self.weight = cn.Parameter(torch.rand(3) + 0.5)

    def forward(self, input):
        self.save(input)
        return self.weight * input

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += (grad_output * input).reshape(-1, 3).sum(0)
        return self.weight * grad_output


class PlainWeight(Scale):
    def __init__(self):
        self.weight = torch.rand(3)
        self.weight.grad = torch.zeros(3)


class PlainBuffer(Scale):
    def __init__(self):
        super().__init__()
        self.running = torch.zeros(3)


class InASet(Scale):
    def __init__(self):
        super().__init__()
        self.weights = {cn.Parameter(torch.rand(3))}


class InAnObject(Scale):
    def __init__(self):
        super().__init__()
        self.inner = SimpleNamespace(weight=cn.Parameter(torch.rand(3)))


class ModuleInAnObject(Scale):
    def __init__(self):
        super().__init__()
        self.inner = SimpleNamespace(layers=[Scale()])


class ModuleInASet(Scale):
    def __init__(self):
        super().__init__()
        self.layers = {Scale()}


class Mean(cn.Module):
    """``y = x − m``, m the mean of the batch, in evaluation a running one."""

    def __init__(self):
        self.running = cn.Buffer(torch.zeros(3))

    def check(self, input):
        if input.dim() != 2 or not len(input):
            raise cn.errors.ShapeError("Mean", input.shape, "expected (N, 3)")

    def forward(self, input):
        mean = self.running
        if self.training:
            mean = input.mean(0)
            self.move(mean)
        return input - mean

    def backward(self, grad_output):
        return grad_output - grad_output.mean(0)

    def move(self, mean):
        self.running.mul_(0.9).add_(0.1 * mean)


class MovesInEvaluation(Mean):
    def forward(self, input):
        if not self.training:
            self.move(input.mean(0))
        return super().forward(input)


class CountsInEvaluation(Scale):
    """Counts what it has seen, in evaluation too."""

    def __init__(self):
        super().__init__()
        self.seen = cn.Buffer(torch.tensor(0))

    def forward(self, input):
        self.seen.add_(len(input))
        return super().forward(input)


class DropsInEvaluation(cn.Dropout):
    def forward(self, input):
        scale = torch.empty_like(input).bernoulli_(1 - self.p) / (1 - self.p)
        self.save(scale)
        return input * scale


class WritesOverItsLastOutput(Scale):
    """Writes each output into the memory of the one before."""

    def __init__(self):
        super().__init__()
        self.out = cn.Buffer(torch.zeros(4, 3))

    def forward(self, input):
        return self.out.copy_(super().forward(input))


class SavesInEvaluation(Scale):
    def save(self, *values):
        vars(self)["_saved"] = Saved(values)


class DrawsAnewInBackward(cn.Dropout):
    def backward(self, grad_output):
        self.saved()
        keep = torch.empty_like(grad_output).bernoulli_(1 - self.p)
        return grad_output * keep / (1 - self.p)


class NumpyNoise(Scale):
    def forward(self, input):
        noise = numpy.random.default_rng().random() if self.training else 0
        return super().forward(input) + noise


class PythonNoise(Scale):
    def forward(self, input):
        return super().forward(input) + (random.random() if self.training else 0)


class GradientNoise(Scale):
    def backward(self, grad_output):
        return super().backward(grad_output) + 1e-9 * torch.randn_like(grad_output)


class GeneratorOfItsOwn(Scale):
    """Draws from a generator that no seed governs."""

    stream = torch.Generator()

    def forward(self, input):
        noise = torch.rand(input.shape, generator=self.stream, dtype=input.dtype) if self.training else 0
        return super().forward(input) + noise


class NumberThatMoves(Scale):
    moved = 0.0

    def forward(self, input):
        if self.training:
            self.moved += float(input.mean())
        return super().forward(input) + self.moved


class NumberThatMovesInTraining(Scale):
    """A temperature that falls with each training step, and stands in no state."""

    temperature = 1.0

    def forward(self, input):
        if not self.training:
            return super().forward(input)
        self.temperature *= 0.9
        return super().forward(input) * self.temperature


class NumberDrawnAtTheStart(Scale):
    def __init__(self):
        super().__init__()
        self.offset = float(torch.rand(()))

    def forward(self, input):
        return super().forward(input) + self.offset


class LoadsHalf(Scale):
    def load_state_dict(self, state):
        for tensor in state.values():
            if tensor.any():
                self.weight[:2].copy_(tensor[:2])


class SharesItself(Scale):
    def __deepcopy__(self, memo):
        return self


class SharesItsWeight(Scale):
    def __deepcopy__(self, memo):
        return copy.copy(self)


class DrawsItsCopy(Scale):
    def __deepcopy__(self, memo):
        return type(self)().to(dtype=self.weight.dtype)


class CannotBeCopied(Scale):
    def __init__(self):
        super().__init__()
        self.generator = (each for each in ())


FAULTS = {
    "plain weight": (PlainWeight, "finds_every_tensor", "weight is a plain tensor"),
    "plain buffer": (PlainBuffer, "finds_every_tensor", "running is a plain tensor"),
    "a parameter in a set": (InASet, "finds_every_tensor", "weights"),
    "a parameter in an object": (InAnObject, "finds_every_tensor", "inner.weight"),
    "a module in an object": (ModuleInAnObject, "finds_every_tensor", "inner.layers.0.weight"),
    "a module in a set": (ModuleInASet, "finds_every_tensor", "layers"),
    "moves in evaluation": (MovesInEvaluation, "evaluation", "differ"),
    "counts in evaluation": (CountsInEvaluation, "evaluation", "changes seen"),
    "drops in evaluation": (DropsInEvaluation, "evaluation", "draws random numbers in evaluation mode too"),
    "writes over its last output": (WritesOverItsLastOutput, "evaluation", "output of the first"),
    "saves in evaluation": (SavesInEvaluation, "evaluation", "saves"),
    "draws anew in backward": (DrawsAnewInBackward, "repeats", "backward draws"),
    "numpy's random numbers": (NumpyNoise, "repeats", "generator"),
    "python's random numbers": (PythonNoise, "repeats", "generator"),
    "noise on its gradient": (GradientNoise, "repeats", "backward draws"),
    "a generator of its own": (GeneratorOfItsOwn, "repeats", "generator"),
    "a number that moves": (NumberThatMoves, "state_round_trip", "neither"),
    "a number that moves in training": (NumberThatMovesInTraining, "state_round_trip", "neither"),
    "a number drawn at the start": (NumberDrawnAtTheStart, "state_round_trip", "neither"),
    "loads half": (LoadsHalf, "state_round_trip", "load_state_dict"),
    "a copy that is itself": (SharesItself, "copies", "shares weight"),
    "a copy that shares": (SharesItsWeight, "copies", "shares weight"),
    "a copy drawn anew": (DrawsItsCopy, "copies", "for a deep copy, the output"),
    "cannot be copied": (CannotBeCopied, "copies", "generator"),
}
COUNTERPARTS = {Scale, Mean, cn.Dropout}


@pytest.mark.parametrize(("fault", "check", "word"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_caught(finding, fault, check, word):
    assert word in finding(fault, f"module.{check}", cn.Case())


@pytest.mark.parametrize("counterpart", sorted(COUNTERPARTS, key=repr), ids=lambda each: each.__name__)
def test_its_counterpart_without_the_fault_passes(counterpart):
    report = check_component(counterpart, cases=[cn.Case()])
    assert report.ok, str(report)
