"""A wrong sign inside of a formula is found by turning it round."""

import pytest
import torch

import corenet as cn
from corenet.testing.gradcheck import examine
from corenet.testing.signs import wrong_sign


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


def told(subject, *inputs):
    """Return the diagnoses of the wrong gradients by name."""
    return {each.name: each.diagnosis.splitlines() for each in examine(subject, *inputs).tensors if not each.ok}


@pytest.mark.parametrize(
    ("subject", "name", "line"),
    [
        (Swish, "input", "slope = gate - output * (1 - gate)"),
        (lambda: Minus(3, 2), "bias", "self.bias.grad -= grad_output.sum(0)"),
        (Sum, "input", "return 2 * (input + target)"),
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


def test_the_component_is_as_before_after_the_search():
    swish = Swish()
    before = dict(vars(swish))
    assert wrong_sign(swish, "input", lambda: False) == ""
    assert vars(swish) == before
    assert wrong_sign(swish, "input", lambda: "backward" in vars(swish)).startswith("the sign")
    assert vars(swish) == before


def test_a_method_that_cannot_be_built_again_is_left_alone():
    class Closing(cn.Tanh):
        def backward(self, grad_output):
            return -super().backward(grad_output)

    ((meaning, _),) = told(Closing(), torch.randn(5, 3)).values()
    assert meaning == "the sign is wrong: ours is −1 times the numeric one"
