"""State that instances share, and that one call leaves for the next, each planted in a right module."""

from typing import ClassVar

import pytest
import torch

import corenet as cn
from corenet.testing import check_component

last = {}
one = cn.Parameter(torch.tensor(1.5, dtype=torch.float64))


class Square(cn.Module):
    """``y = w x²``, with one weight."""

    def __init__(self):
        self.weight = cn.Parameter(torch.ones(()))

    def forward(self, input):
        self.save(input)
        return self.weight * input**2

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += (grad_output * input**2).sum()
        return 2 * self.weight * input * grad_output


class SharedByTheModuleOfPython(Square):
    def forward(self, input):
        last["input"] = input
        return super().forward(input)

    def backward(self, grad_output):
        super().backward(grad_output)
        return 2 * self.weight * last["input"] * grad_output


class SharedByTheClass(Square):
    kept: ClassVar[list] = []

    def forward(self, input):
        type(self).kept[:] = [input]
        return super().forward(input)

    def backward(self, grad_output):
        super().backward(grad_output)
        return 2 * self.weight * self.kept[0] * grad_output


class QueueOfAllInstances(Square):
    """Right for backward in reverse order, wrong in the order of forward."""

    kept: ClassVar[list] = []

    def forward(self, input):
        if self.training:
            self.kept.append(input)
        return super().forward(input)

    def backward(self, grad_output):
        super().backward(grad_output)
        return 2 * self.weight * self.kept.pop() * grad_output


class KeepsTheFirstBatchSize(Square):
    size = 0

    def backward(self, grad_output):
        self.size = self.size or len(grad_output)
        gradient = super().backward(grad_output)
        gradient[self.size :] = 0
        return gradient


class WrongFromTheThirdCallOn(Square):
    calls = 0

    def backward(self, grad_output):
        self.calls += 1
        return super().backward(grad_output) * (1 if self.calls < 3 else 2)


class SharedWeight(Square):
    """The weight is one for all instances."""

    def __init__(self):
        self.weight = one


@pytest.mark.parametrize("component", [SharedByTheModuleOfPython, SharedByTheClass, QueueOfAllInstances])
def test_state_that_instances_share_is_seen(component):
    report = check_component(component)
    assert "module.instances" in [each.check for each in report.failures]
    assert "module.input_gradient" not in [each.check for each in report.failures]


def test_the_instance_with_another_ones_numbers_is_named():
    [failure] = [each for each in check_component(SharedByTheClass).failures if each.check == "module.instances"]
    assert failure.message.startswith("of two instances in turn, for the first the gradient of input is ")
    assert "closure" in failure.diagnosis


def test_a_weight_that_instances_share_is_seen():
    assert not check_component(SharedWeight).ok


@pytest.mark.parametrize(
    ("component", "check", "message"),
    [
        (KeepsTheFirstBatchSize, "module.batch_sizes", "of one module, on ("),
        (WrongFromTheThirdCallOn, "module.input_gradient", "worst relative error 1.0e+00"),
    ],
)
def test_what_an_earlier_call_leaves_is_seen(component, check, message):
    failures = [each for each in check_component(component).failures if each.check == check]
    assert message in failures[0].message


def test_a_right_module_passes():
    assert check_component(Square).ok
