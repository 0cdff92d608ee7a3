"""A wrong sign, or dimension, inside of a formula is found by changing it in the source."""

import math

import pytest
import torch

import corenet as cn
from corenet.testing.diagnosis.source_edits import changed, minus_added, one_edit_away
from corenet.testing.gradcheck.gradcheck import examine


class Swish(cn.Module):
    def forward(self, input):
        gate = input.sigmoid()
        output = input * gate
        self.save(gate, output)
        return output

    def backward(self, grad_output):
        gate, output = self.saved()
        slope = gate - output * (1 - gate)
        return grad_output * slope


class Minus(cn.Linear):
    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += grad_output.T @ input
        self.bias.grad -= grad_output.sum(0)
        return grad_output @ self.weight


class Sum(cn.MSELoss):
    def derivative(self, input, target):
        return 2 * (input + target)


class Negated(cn.Tanh):
    def backward(self, grad_output):
        (output,) = self.saved()
        return -grad_output * (1 - output * output)


class NegativelySaved(Swish):
    def forward(self, input):
        gate = input.sigmoid()
        output = input * gate
        self.save(-gate, output)
        return output

    def backward(self, grad_output):
        gate, output = self.saved()
        return grad_output * (gate + output * (1 - gate))


class Huber(cn.ElementwiseLoss):
    def elements(self, input, target):
        cut = (input - target).clamp(-0.5, 0.5)
        return cut * (input - target - cut / 2)

    def derivative(self, input, target):
        bound = 0.5
        return (input - target).clamp(bound, bound)


class Softmax(cn.Module):
    def forward(self, input):
        output = input.softmax(-1)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        return output * (grad_output - (grad_output * output).sum(0, keepdim=True))


def told(subject, *inputs):
    """Return the diagnoses of the wrong gradients by name."""
    return {each.name: each.diagnosis.splitlines() for each in examine(subject, *inputs).tensors if not each.ok}


@pytest.mark.parametrize(
    ("subject", "name", "line"),
    [
        (Swish, "input", "slope = gate - output * (1 - gate)"),
        (lambda: Minus(3, 2), "bias", "self.bias.grad -= grad_output.sum(0)"),
        (Sum, "input", "return 2 * (input + target)"),
        (NegativelySaved, "input", "self.save(-gate, output)"),
        (Huber, "input", "return (input - target).clamp(bound, bound)"),
        (Negated, "input", "return -grad_output * (1 - output * output)"),
    ],
)
def test_the_line_with_the_wrong_sign_is_told(subject, name, line):
    built = subject()
    inputs = [torch.randn(5, 3)] if isinstance(built, cn.Module) else [torch.randn(5, 3), torch.randn(5, 3)]
    ((found, (meaning, place)),) = told(built, *inputs).items()
    assert found == name
    assert meaning.startswith("the sign is wrong: ")
    assert place.partition(": ")[2] == line


def test_a_sum_over_the_wrong_dimension_is_told_with_its_line():
    ((meaning, place),) = told(Softmax(), torch.randn(5, 3)).values()
    assert meaning == "wrong dimension: -1 in the place of 0 in this line makes it right"
    assert place.endswith("return output * (grad_output - (grad_output * output).sum(0, keepdim=True))")


def test_a_wrong_sign_in_a_module_below_is_told_for_each_gradient_that_it_spoils():
    found = told(cn.Sequential(cn.Linear(3, 2), Swish()), torch.randn(5, 3))
    assert found.keys() == {"input", "0.weight", "0.bias"}
    assert all(place.endswith("slope = gate - output * (1 - gate)") for _, place in found.values())


def test_no_sign_is_blamed_for_another_fault():
    class Halved(Swish):
        def backward(self, grad_output):
            gate, output = self.saved()
            return grad_output * (gate + output * (1 - gate)) / 2

    ((meaning, _),) = told(Halved(), torch.randn(5, 3)).values()
    assert meaning.startswith("a factor 2 is missing")


@pytest.mark.parametrize("edits", [changed, minus_added])
def test_the_component_is_as_before_after_the_search(edits):
    swish = Swish()
    before = dict(vars(swish))
    assert one_edit_away(swish, "input", lambda: False, edits) is None
    assert vars(swish) == before
    found = one_edit_away(swish, "input", lambda: vars(swish) != before, edits)
    assert (found.code, found.text.partition(":")[0]) == ("source.sign", "the sign is wrong")
    assert vars(swish) == before


def test_a_method_that_cannot_be_built_again_is_left_alone():
    class Closing(cn.Tanh):
        def backward(self, grad_output):
            return -super().backward(grad_output)

    ((meaning, _),) = told(Closing(), torch.randn(5, 3)).values()
    assert meaning == "the sign is wrong: ours is −1 times the numeric one"


def test_no_edit_is_tried_after_the_time_is_up():
    tried = []
    for until in (0.0, math.inf):
        assert one_edit_away(Swish(), "input", lambda: bool(tried.append(1)), changed, until) is None
        assert bool(tried) is (until > 0)
