"""Lost blocks of any size, in rows and columns, and tails of a function, each planted in a right module."""

import random

import pytest
import torch

import corenet as cn
from corenet.testing import Case


def losing(size, dimension):
    """Return a module that loses what is left of a dimension beside whole blocks of ``size``."""

    class Loses(cn.Module):
        def forward(self, input):
            self.save(input)
            return input.square()

        def backward(self, grad_output):
            (input,) = self.saved()
            gradient = 2 * grad_output * input
            length = input.shape[dimension]
            if length > size:
                gradient.narrow(dimension, length - length % size, length % size).zero_()
            return gradient

    return Loses


class LosesWeights(cn.Linear):
    """Computes the gradient of its weight in blocks of 32 columns, or of 16 rows."""

    rows, columns = 10**6, 32

    def backward(self, grad_output):
        (input,) = self.saved()
        new = grad_output.flatten(0, -2).T @ input.flatten(0, -2)
        for dimension, size in enumerate((self.rows, self.columns)):
            length = new.shape[dimension]
            if length > size:
                new.narrow(dimension, length - length % size, length % size).zero_()
        self.weight.grad += new
        self.bias.grad += grad_output.flatten(0, -2).sum(0)
        return grad_output @ self.weight


class LosesOutputs(LosesWeights):
    rows, columns = 16, 10**6


class TwoInputs(cn.Module):
    """``a b``, of which a block of 64 columns is lost."""

    def forward(self, a, b):
        self.save(a, b)
        return a * b

    def backward(self, grad_output):
        a, b = self.saved()
        gradient = grad_output * b
        if a.shape[1] > 64:
            gradient[:, a.shape[1] // 64 * 64 :] = 0
        return gradient, grad_output * a


@pytest.mark.parametrize("size", [16, 128, 256, 512, 1024, pytest.param(random.Random().randint(9, 1000), id="any")])
def test_lost_rows_are_seen_and_named(finding, size):
    said = finding(losing(size, 0), "module.rows", Case(shape=(5, 3)))
    assert "a block whose rest is lost" in said.partition("right but for the last ")[2], said


@pytest.mark.parametrize("size", [8, 16, 32, 128, 256])
@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4), (3,)], ids=str)
def test_lost_columns_are_seen_and_named(finding, size, shape):
    said = finding(losing(size, -1), "module.widths", Case(shape=shape))
    assert f"lost: ours is zero in the last {303 % size} of 303" in said, said


@pytest.mark.parametrize(
    ("cls", "case", "words"),
    [
        (LosesWeights, Case({"in_features": 3, "out_features": 2}, (5, 3)), "dimension 1 of 303"),
        (LosesWeights, Case(args=(2, 2), shape=(5, 2)), "dimension 1 of 303"),
        (LosesOutputs, Case({"in_features": 3, "out_features": 2}, (5, 3)), "a size of 303 in the place of 2"),
        (TwoInputs, Case(inputs=lambda generator: tuple(torch.rand(2, 4, 3, generator=generator))), "of 303"),
    ],
)
def test_arguments_and_inputs_grow_together(finding, cls, case, words):
    assert words in finding(cls, "module.widths", case)


def flat_below(bound):
    class FlatTail(cn.Module):
        """σ(x), with a slope of zero where σ is below a bound."""

        def forward(self, input):
            output = torch.sigmoid(input)
            self.save(output)
            return output

        def backward(self, grad_output):
            (output,) = self.saved()
            return torch.where(output < bound, 0, grad_output * output * (1 - output))

    return FlatTail


class Smallest(cn.Module):
    """``1e-11 a x``, whose author took the gradient of ``a`` for zero."""

    def __init__(self):
        self.a = cn.Parameter(torch.ones(3))

    def forward(self, input):
        self.save(input)
        return 1e-11 * self.a * input

    def backward(self, grad_output):
        self.saved()
        return 1e-11 * self.a * grad_output


def test_slopes_of_1e_11_are_seen(finding):
    said = finding(flat_below(1e-9), "module.tails")
    assert "near -25" in said
    assert "a small slope that is taken for zero" in said
    assert finding(flat_below(0.0), "module.tails") == ""
    assert "zero everywhere" in finding(Smallest, "module.parameter_gradients", Case(shape=(4, 3)))


class Recurrence(cn.Module):
    """``hₜ = tanh(3 W hₜ₋₁ + xₜ)``: right, chaotic over many steps, so that no difference tells its slope."""

    def __init__(self, width: int):
        self.weight = cn.Parameter(3 * torch.randn(width, width, generator=torch.Generator().manual_seed(0)))

    def forward(self, input):
        states = [torch.zeros_like(input[0])]
        for row in input:
            states.append(torch.tanh(states[-1] @ self.weight + row))
        output = torch.stack(states[1:])
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        before = torch.cat([torch.zeros_like(output[:1]), output[:-1]])
        gradient, later = torch.zeros_like(grad_output), torch.zeros_like(output[0])
        for step in reversed(range(len(output))):
            gradient[step] = (grad_output[step] + later) * (1 - output[step] ** 2)
            self.weight.grad += before[step][:, None] * gradient[step]
            later = gradient[step] @ self.weight.T
        return gradient


@pytest.mark.parametrize("check", ["rows", "widths", "tails", "new_numbers"])
@pytest.mark.parametrize(
    ("cls", "case"),
    [
        (Recurrence, Case({"width": 3}, (5, 3))),
        (cn.Linear, Case({"in_features": 3, "out_features": 4}, (2, 2, 3))),
        (cn.Softmax, Case({"dim": 0}, (4, 3))),
        (cn.Tanh, Case(shape=())),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_right_modules_pass(finding, cls, case, check):
    assert finding(cls, f"module.{check}", case) == ""
