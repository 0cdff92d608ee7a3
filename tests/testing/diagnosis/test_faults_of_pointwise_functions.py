"""Faults in the gradients of functions of each element are found and named."""

import pytest
import torch

import corenet as cn
from corenet.contracts.case import Case
from corenet.testing import check_component


class Pointwise(cn.Module):
    """``y = f(x)``, with ``to_input(dy, x, y)`` for its derivative."""

    case = Case(shape=(5, 3))

    def forward(self, input):
        output = self.function(input)
        self.save(input, output)
        return output

    def backward(self, grad_output):
        return self.to_input(grad_output, *self.saved())


class Rectifier(Pointwise):
    case = Case(shape=(5, 3), kinks=(0.0,))

    def function(self, x):
        return x.clamp(min=0) + 0.0

    def to_input(self, dy, x, y):
        return dy * (x > 0)


class Leaky(Pointwise):
    case = Case(shape=(5, 3), kinks=(0.0,))

    def function(self, x):
        return torch.where(x > 0, x, 0.1 * x)

    def to_input(self, dy, x, y):
        return torch.where(x > 0, dy, 0.1 * dy)


class HardTanh(Pointwise):
    case = Case(shape=(5, 3), kinks=(-1.0, 1.0))

    def function(self, x):
        return x.clamp(-1, 1)

    def to_input(self, dy, x, y):
        return dy * (x.abs() < 1)


class Hyperbolic(Pointwise):
    def function(self, x):
        return x.tanh()

    def to_input(self, dy, x, y):
        return dy * (1 - y * y)


class Sine(Pointwise):
    def function(self, x):
        return x.sin()

    def to_input(self, dy, x, y):
        return dy * x.cos()


class Parabola(Pointwise):
    def function(self, x):
        return x * x

    def to_input(self, dy, x, y):
        return 2 * x * dy


class Swish(Pointwise):
    def function(self, x):
        return x * x.sigmoid()

    def to_input(self, dy, x, y):
        gate = x.sigmoid()
        return dy * (gate + y * (1 - gate))


class Drop(cn.Module):
    """``y = s · x`` with ``s`` drawn: 0 or 1 / 0.6."""

    case = Case(shape=(5, 4))

    def forward(self, input):
        if not self.training:
            return input.clone()
        scale = (torch.rand(input.shape) > 0.4).to(input.dtype) / 0.6
        self.save(scale)
        return input * scale

    def backward(self, grad_output):
        return self.to_input(grad_output, *self.saved())

    def to_input(self, dy, scale):
        return dy * scale


def to_input(gradient):
    return {"to_input": gradient}


def swish_with_a_minus(self, dy, x, y):
    gate = x.sigmoid()
    return dy * (gate - y * (1 - gate))


# What is written otherwise in which component, and a word of the diagnosis that is due ("" if none fits).
FAULTS = {
    "mask missing": (Rectifier, to_input(lambda self, dy, x, y: dy), "ours must be zero where input < 0"),
    "mask reversed": (Rectifier, to_input(lambda self, dy, x, y: dy * (x < 0)), "mask is reversed"),
    "mask of upstream": (Rectifier, to_input(lambda self, dy, x, y: dy.clamp(min=0) * (x > 0)), "grad_output < 0"),
    "mask at one": (Rectifier, to_input(lambda self, dy, x, y: dy * (x > 1)), "mask of backward is too wide"),
    "mask of one side": (HardTanh, to_input(lambda self, dy, x, y: dy * (x > -1)), "mask of forward is missing"),
    "mask of neither side": (HardTanh, to_input(lambda self, dy, x, y: dy + 0), "must be zero where |input| > 1"),
    "mask without slope": (Leaky, to_input(lambda self, dy, x, y: dy * (x > 0)), "is zero where input < 0"),
    "slope of the other side": (
        Leaky,
        to_input(lambda self, dy, x, y: torch.where(x > 0, dy, 0.2 * dy)),
        "2 times too large where input < 0",
    ),
    "tanh passed on": (Hyperbolic, to_input(lambda self, dy, x, y: dy), "derivative is missing"),
    "tanh without upstream": (Hyperbolic, to_input(lambda self, dy, x, y: 1 - y * y), "grad_output is ignored"),
    "tanh of the input": (Hyperbolic, to_input(lambda self, dy, x, y: dy * (1 - x * x)), "save the output"),
    "tanh sign": (Hyperbolic, to_input(lambda self, dy, x, y: dy * (y * y - 1)), "sign"),
    "sine's sign": (Sine, to_input(lambda self, dy, x, y: -dy * x.cos()), "sign"),
    "sine of the output": (Sine, to_input(lambda self, dy, x, y: dy * y.cos()), "at the output"),
    "sine for cosine": (Sine, to_input(lambda self, dy, x, y: dy * x.sin()), ""),
    "square without its 2": (Parabola, to_input(lambda self, dy, x, y: x * dy), "factor 2 is missing"),
    "square without the input": (Parabola, to_input(lambda self, dy, x, y: 2 * dy), "factor input is missing"),
    "sine with a factor": (Sine, to_input(lambda self, dy, x, y: dy * x * x.cos()), "extra factor input"),
    "swish's gate alone": (Swish, to_input(lambda self, dy, x, y: dy * x.sigmoid()), ""),
    "swish's minus": (Swish, {"to_input": swish_with_a_minus}, "the sign is wrong"),
    "dropout unmasked": (Drop, to_input(lambda self, dy, s: dy / 0.6), "mask of forward is missing"),
    "dropout unscaled": (Drop, to_input(lambda self, dy, s: dy * (s > 0)), "0.6 times"),
    "dropout drawn anew": (Drop, to_input(lambda self, dy, s: dy * (torch.rand(dy.shape) > 0.4) / 0.6), "another mask"),
}  # fmt: skip
RIGHT = [Rectifier, Leaky, HardTanh, Hyperbolic, Sine, Parabola, Swish, Drop]


@pytest.mark.parametrize("component", RIGHT)
def test_a_right_component_has_right_gradients_and_no_diagnosis(component, examined):
    report = examined(component)
    assert report.ok, str(report)
    assert {tensor.diagnosis for tensor in report.tensors} == {""}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_named(fault, examined):
    component, methods, word = FAULTS[fault]
    report = examined(type("Faulty", (component,), methods))
    assert isinstance(report, Exception) or not report.ok
    assert word in str(report)


def test_there_are_enough_faults_and_most_have_a_name():
    assert len(FAULTS) >= 23
    assert sum(not word for _, _, word in FAULTS.values()) <= 2


@pytest.mark.parametrize("component", RIGHT)
def test_a_right_component_conforms(component):
    report = check_component(component, cases=[component.case])
    assert report.ok, str(report)


@pytest.mark.parametrize("fault", list(FAULTS)[::12])
def test_the_whole_kit_finds_a_planted_fault_and_names_it(fault):
    component, methods, word = FAULTS[fault]
    report = check_component(type("Faulty", (component,), methods), cases=[component.case])
    assert not report.ok
    assert word in str(report)
