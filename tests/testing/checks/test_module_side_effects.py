"""Faults in what a module changes, keeps and allows to be called, each planted in a module that is right without it."""

from types import SimpleNamespace

import pytest
import torch

import corenet as cn
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
        (input,) = self._saved.values
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
        (input,) = self._saved.values
        self.weight.grad += (grad_output * input).reshape(-1, 3).sum(0)
        return self.weight * grad_output


class ForgetsFirst(Scale):
    def forward(self, input):
        self.forget()
        return super().forward(input)


class AssumesAForward(Scale):
    def backward(self, grad_output):
        (input,) = self._saved.values
        self._saved = None
        self.save(input)
        return super().backward(grad_output)


class GivesZeroWithoutAForward(Scale):
    def backward(self, grad_output):
        try:
            return super().backward(grad_output)
        except BackwardError:
            return torch.zeros_like(grad_output)


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
}
COUNTERPARTS = {Scale, Copy}


@pytest.mark.parametrize(("fault", "check", "word"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_caught(finding, fault, check, word):
    assert word in finding(fault, f"module.{check}", cn.Case())


@pytest.mark.parametrize("counterpart", sorted(COUNTERPARTS, key=repr), ids=lambda each: each.__name__)
def test_its_counterpart_without_the_fault_passes(counterpart):
    report = check_component(counterpart, cases=[cn.Case()])
    assert report.ok, str(report)
