"""A wrong factor of some elements alone is named, not hidden by moving the threshold that chooses them."""

import pytest
import torch

import corenet as cn
from corenet.testing import Case


class Exponential(cn.Module):
    """``y = exp(5x)``, of which the tiny elements have a derivative of their own."""

    factor = 2.0

    def forward(self, input):
        output = torch.exp(5 * input)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        gradient = 5 * grad_output * output
        return torch.where(output < 1e-3, self.factor * gradient, gradient)


class Zeroed(Exponential):
    factor = 0.0


class Parabola(cn.Module):
    """``y = x² + x``, with half as much again near zero."""

    def forward(self, input):
        self.save(input)
        return input.square() + input

    def backward(self, grad_output):
        (input,) = self.saved()
        gradient = grad_output * (2 * input + 1)
        return torch.where(input.abs() < 0.2, 1.5 * gradient, gradient)


class OfSmallUpstreams(Parabola):
    def backward(self, grad_output):
        (input,) = self.saved()
        gradient = grad_output * (2 * input + 1)
        return torch.where(grad_output.abs() < 0.1, 3 * gradient, gradient)


class OfSmallInputs(Parabola):
    def backward(self, grad_output):
        (input,) = self.saved()
        gradient = grad_output * (2 * input + 1)
        return torch.where(input.abs() < 1e-3, 2 * gradient, gradient)


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (Exponential, "tiny elements, up to 7e-05, where ours is 2 times the numeric one"),
        (Zeroed, "where ours is zero"),
        (Parabola, "1 in the place of 1.5"),
        (OfSmallUpstreams, "1 in the place of 3"),
    ],
)
def test_the_factor_is_named(finding_of_gradients, cls, words):
    assert words in finding_of_gradients(cls)


def test_a_factor_of_elements_that_few_draws_hold_is_named_by_its_size(finding):
    assert "wrong on tiny ones" in finding(OfSmallInputs, "module.rows", Case(shape=(5, 3)))


@pytest.fixture
def finding_of_gradients(finding):
    return lambda cls: finding(cls, "module.input_gradient", Case(shape=(5, 3)), Case(shape=(40, 3)))
