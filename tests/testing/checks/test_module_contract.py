"""Faults that the checks of a module's manners must catch, each planted in a module that is right without it."""

import copy
import random
from types import SimpleNamespace

import numpy
import pytest
import torch

import corenet as cn
from corenet.contracts.saved import Saved
from corenet.errors import BackwardError
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


# Arguments.


class ChangesItsInput(Scale):
    def forward(self, input):
        output = super().forward(input.clone())
        input.mul_(2)
        return output


class ChangesGradOutput(Scale):
    def backward(self, grad_output):
        super().backward(grad_output)
        return grad_output.mul_(self.weight)


class ChangesItsInputInBackward(Scale):
    def backward(self, grad_output):
        (input,) = self._saved.tensors
        result = super().backward(grad_output)
        input.zero_()
        return result


class ChangesItsWeight(Scale):
    def forward(self, input):
        self.weight.mul_(0.99)
        return super().forward(input)


class ChangesItsWeightInBackward(Scale):
    def backward(self, grad_output):
        result = super().backward(grad_output)
        self.weight -= 0.1 * self.weight.grad
        return result


class Copy(cn.Module):
    def forward(self, input):
        return input.clone()

    def backward(self, grad_output):
        return grad_output


class ReturnsItsInput(Copy):
    def forward(self, input):
        return input


class ReturnsAViewOfItsInput(Copy):
    def forward(self, input):
        return input.view(input.shape)


# The order of calls.


class Stashes(Scale):
    def forward(self, input):
        self.input = input
        return self.weight * input

    def backward(self, grad_output):
        self.save(self.input)
        return super().backward(grad_output)


class StashesInADict(Stashes):
    def __init__(self):
        super().__init__()
        self.cache = {}

    def forward(self, input):
        self.cache["input"] = input
        return self.weight * input

    def backward(self, grad_output):
        self.save(self.cache["input"])
        return Scale.backward(self, grad_output)


class StashesInAnObject(Stashes):
    def __init__(self):
        super().__init__()
        self.context = SimpleNamespace()

    def forward(self, input):
        self.context.input = input
        return self.weight * input

    def backward(self, grad_output):
        self.save(self.context.input)
        return Scale.backward(self, grad_output)


class StashesInAClosure(Stashes):
    def forward(self, input):
        self.remembered = lambda: input
        return self.weight * input

    def backward(self, grad_output):
        self.save(self.remembered())
        return Scale.backward(self, grad_output)


class StashesInEvaluation(Scale):
    def forward(self, input):
        if not self.training:
            self.last = input
        return super().forward(input)


class StashesForStatistics(Scale):
    """Keeps its last output "for a plot"."""

    def forward(self, input):
        output = super().forward(input)
        self.last = output.mean()
        return output


class DependsOnTheLastForward(Copy):
    """Its derivative is of what was in forward last, by the memory of its class."""

    seen = (torch.zeros(()),)

    def forward(self, input):
        type(self).seen = (input.mean(),)
        return input * input.mean()

    def backward(self, grad_output):
        return grad_output * self.seen[0]


class RemembersTheShape(Copy):
    def forward(self, input):
        self.shape = input.shape
        return input.clone()

    def backward(self, grad_output):
        return grad_output.view(self.shape)


class ConsumesNothing(Scale):
    def backward(self, grad_output):
        saved = self._saved
        result = super().backward(grad_output)
        vars(self)["_saved"] = saved
        return result


class LooksWithoutTaking(Scale):
    def backward(self, grad_output):
        (input,) = self._saved.tensors
        self.weight.grad += (grad_output * input).reshape(-1, 3).sum(0)
        return self.weight * grad_output


class ForgetsFirst(Scale):
    def forward(self, input):
        self.forget()
        return super().forward(input)


class AssumesAForward(Scale):
    def backward(self, grad_output):
        (input,) = self._saved.tensors
        self._saved = None
        self.save(input)
        return super().backward(grad_output)


class GivesZeroWithoutAForward(Scale):
    def backward(self, grad_output):
        try:
            return super().backward(grad_output)
        except BackwardError:
            return torch.zeros_like(grad_output)


# Tensors that nobody finds.


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


# Evaluation.


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


# Randomness.


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


# State.


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
    "changes its input": (ChangesItsInput, "arguments_unchanged", "forward changes its input"),
    "changes grad_output": (ChangesGradOutput, "arguments_unchanged", "backward changes grad_output"),
    "changes its input in backward": (ChangesItsInputInBackward, "arguments_unchanged", "backward changes the input"),
    "changes its weight": (ChangesItsWeight, "arguments_unchanged", "changes weight"),
    "changes its weight in backward": (ChangesItsWeightInBackward, "arguments_unchanged", "changes weight"),
    "returns its input": (ReturnsItsInput, "arguments_unchanged", "shares its input's memory"),
    "returns a view of its input": (ReturnsAViewOfItsInput, "arguments_unchanged", "shares its input's memory"),
    "stashes": (Stashes, "keeps_only_what_it_saves", "input"),
    "stashes in a dict": (StashesInADict, "keeps_only_what_it_saves", "cache.input"),
    "stashes in an object": (StashesInAnObject, "keeps_only_what_it_saves", "context.input"),
    "stashes in a closure": (StashesInAClosure, "keeps_only_what_it_saves", "remembered"),
    "stashes in evaluation": (StashesInEvaluation, "keeps_only_what_it_saves", "last"),
    "stashes for statistics": (StashesForStatistics, "keeps_only_what_it_saves", "last"),
    "depends on the last forward": (DependsOnTheLastForward, "order_of_calls", "after another forward"),
    "remembers the shape": (RemembersTheShape, "order_of_calls", "AttributeError"),
    "consumes nothing": (ConsumesNothing, "order_of_calls", "backward twice"),
    "looks without taking": (LooksWithoutTaking, "order_of_calls", "backward"),
    "forgets first": (ForgetsFirst, "order_of_calls", "second forward"),
    "assumes a forward": (AssumesAForward, "order_of_calls", "AttributeError"),
    "gives zero without a forward": (GivesZeroWithoutAForward, "order_of_calls", "without a forward"),
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
TWINS = {Scale, Copy, Mean, cn.Dropout}


@pytest.mark.parametrize(("fault", "check", "word"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_caught(finding, fault, check, word):
    assert word in finding(fault, f"module.{check}", cn.Case())


@pytest.mark.parametrize("twin", sorted(TWINS, key=repr), ids=lambda each: each.__name__)
def test_its_twin_without_the_fault_passes(twin):
    report = check_component(twin, cases=[cn.Case()])
    assert report.ok, str(report)
