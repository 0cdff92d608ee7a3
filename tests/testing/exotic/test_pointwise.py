"""Right modules that work element by element: the kit finds nothing wrong with them."""

import math

import pytest
import torch

import corenet as cn
from corenet.testing import check_component


class Pointwise(cn.Module):
    """``y = f(x)`` and ``dx = dy · f′(x)``."""

    def forward(self, input):
        self.save(input)
        return self.function(input)

    def backward(self, grad_output):
        (input,) = self.saved()
        return grad_output * self.slope(input)


class GELU(Pointwise):
    def function(self, x):
        return x * self.below(x)

    def slope(self, x):
        return self.below(x) + x * torch.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)

    def below(self, x):
        return 0.5 * (1 + torch.erf(x / math.sqrt(2)))


class ELU(Pointwise):
    """Its second derivative jumps at 0, its first doesn't: no kink to declare."""

    def function(self, x):
        return torch.where(x > 0, x, torch.expm1(x))

    def slope(self, x):
        return torch.where(x > 0, 1, torch.exp(x))


class SELU(Pointwise):
    scale, alpha = 1.0507009873554805, 1.6732632423543772

    def function(self, x):
        return self.scale * torch.where(x > 0, x, self.alpha * torch.expm1(x))

    def slope(self, x):
        return self.scale * torch.where(x > 0, 1, self.alpha * torch.exp(x))


class Softplus(Pointwise):
    def function(self, x):
        return torch.logaddexp(x, torch.zeros_like(x))

    def slope(self, x):
        return torch.sigmoid(x)


class HardTanh(Pointwise):
    def function(self, x):
        return x.clamp(-1, 1)

    def slope(self, x):
        return (x.abs() < 1).to(x.dtype)


class Logarithm(Pointwise):
    """Has no value outside its domain."""

    def function(self, x):
        return torch.log(x)

    def slope(self, x):
        return 1 / x


class Sign(Pointwise):
    """Has a derivative of zero wherever it has one."""

    def function(self, x):
        return torch.sign(x)

    def slope(self, x):
        return torch.zeros_like(x)


class Scale(cn.Module):
    """Saves nothing, so it has no order of calls to guard."""

    def __init__(self, factor=3.0):
        self.factor = factor

    def forward(self, input):
        return self.factor * input

    def backward(self, grad_output):
        return self.factor * grad_output


class Copy(cn.Module):
    """The identity; a view would be another name of its input."""

    def forward(self, input):
        return input.clone()

    def backward(self, grad_output):
        return grad_output


class PReLU(cn.Module):
    def __init__(self, features=3):
        self.slope = cn.Parameter(torch.rand(features))

    def forward(self, input):
        self.save(input)
        return torch.where(input > 0, input, self.slope * input)

    def backward(self, grad_output):
        (input,) = self.saved()
        below = torch.where(input > 0, 0, input)
        self.slope.grad += (grad_output * below).reshape(-1, len(self.slope)).sum(0)
        return grad_output * torch.where(input > 0, 1, self.slope)


class Power(cn.Module):
    """``y = xᵃ`` with one number ``a`` for all of them, a parameter without dimensions."""

    def __init__(self):
        self.exponent = cn.Parameter(torch.tensor(1.5))

    def forward(self, input):
        output = input**self.exponent
        self.save(input, output)
        return output

    def backward(self, grad_output):
        input, output = self.saved()
        self.exponent.grad += (grad_output * output * input.log()).sum()
        return grad_output * self.exponent * output / input


class Constant(cn.Module):
    """Its output doesn't depend on its input, so nothing comes back to that."""

    def __init__(self, features=3):
        self.value = cn.Parameter(torch.rand(features))

    def forward(self, input):
        return torch.zeros_like(input) + self.value

    def backward(self, grad_output):
        self.value.grad += grad_output.reshape(-1, len(self.value)).sum(0)
        return torch.zeros_like(grad_output)


RIGHT = {
    "gelu": (GELU, cn.Case()),
    "elu": (ELU, cn.Case()),
    "selu": (SELU, cn.Case(kinks=(0.0,))),
    "softplus": (Softplus, cn.Case(domain=(-30.0, 30.0))),
    "hard tanh": (HardTanh, cn.Case(kinks=(-1.0, 1.0))),
    "hard tanh, its kinks not declared": (HardTanh, cn.Case(shape=(20, 3))),
    "logarithm": (Logarithm, cn.Case(domain=(0.5, 3.0))),
    "sign": (Sign, cn.Case(kinks=(0.0,))),
    "scale": (Scale, cn.Case()),
    "copy": (Copy, cn.Case()),
    "prelu": (PReLU, cn.Case(kinks=(0.0,))),
    "power": (Power, cn.Case(domain=(0.5, 3.0))),
    "constant": (Constant, cn.Case()),
    "of a number alone": (GELU, cn.Case(shape=())),
    "of one dimension": (PReLU, cn.Case(shape=(3,), kinks=(0.0,))),
}


@pytest.mark.parametrize(("component", "case"), RIGHT.values(), ids=RIGHT)
def test_nothing_is_wrong_with(component, case):
    report = check_component(component, cases=[case])
    assert report.ok, str(report)


class StraightThrough(Pointwise):
    """Rounds, and hands the gradient on as if it didn't: wrong on purpose."""

    def function(self, x):
        return torch.round(x)

    def slope(self, x):
        return torch.ones_like(x)


def test_a_gradient_that_is_wrong_on_purpose_is_wrong_in_its_numbers_alone():
    checks = ("input_gradient", "batch_of_one", "leading_dimension")
    expected = {f"module.{check}": "straight through" for check in checks}
    report = check_component(StraightThrough, cases=[cn.Case()], expected_failures=expected)
    assert report.ok, str(report)
