"""Faults in the gradients of linear maps, and of a module made of others, are found and named."""

import pytest
import torch

import corenet as cn
from corenet.contracts.case import Case
from corenet.testing import check_component


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


class Affine(cn.Module):
    """``y = x Wᵀ + b``"""

    case = Case(shape=(5, 3))
    features = 4

    def __init__(self):
        self.weight = cn.Parameter(draw(self.features, 3))
        self.bias = cn.Parameter(draw(self.features))

    def check(self, input):
        self.check_floating(input)
        self.check_matches(input, self.weight)
        if input.shape[-1:] != (3,):
            raise cn.ShapeError(f"{self!r}", input.shape, "expected last dimension 3")

    def forward(self, input):
        self.save(input)
        return input @ self.weight.T + self.bias

    def backward(self, grad_output):
        (input,) = self.saved()
        flat_grad, flat_input = grad_output.reshape(-1, self.features), input.reshape(-1, 3)
        self.add_weight(flat_grad, flat_input)
        self.add_bias(flat_grad)
        return self.to_input(grad_output)

    def add_weight(self, dy, x):
        self.weight.grad += dy.T @ x

    def add_bias(self, dy):
        self.bias.grad += dy.sum(0)

    def to_input(self, dy):
        return dy @ self.weight


class Square(Affine):
    features = 3


class Gain(cn.Module):
    """``y = g · x``, a number for each feature."""

    case = Case(shape=(5, 3))

    def __init__(self):
        self.gain = cn.Parameter(draw(3))

    def check(self, input):
        self.check_floating(input)
        self.check_matches(input, self.gain)

    def forward(self, input):
        self.save(input)
        return input * self.gain

    def backward(self, grad_output):
        (input,) = self.saved()
        self.add_gain(grad_output.reshape(-1, 3), input.reshape(-1, 3))
        return self.to_input(grad_output)

    def add_gain(self, dy, x):
        self.gain.grad += (dy * x).sum(0)

    def to_input(self, dy):
        return dy * self.gain


class Temperature(cn.Module):
    """``y = t · x``, one number for all."""

    case = Case(shape=(5, 3))

    def __init__(self):
        self.factor = cn.Parameter(torch.tensor(1.3, dtype=torch.float64))

    def forward(self, input):
        self.save(input)
        return input * self.factor

    def backward(self, grad_output):
        (input,) = self.saved()
        self.add_factor(grad_output, input)
        return grad_output * self.factor

    def add_factor(self, dy, x):
        self.factor.grad += (dy * x).sum()


class Table(cn.Module):
    """Rows of a table, mixed: ``y = x T``."""

    case = Case(shape=(5, 3))

    def __init__(self):
        self.table = cn.Parameter(draw(3, 4))

    def forward(self, input):
        self.save(input)
        return input @ self.table

    def backward(self, grad_output):
        (input,) = self.saved()
        self.add_table(grad_output, input)
        return self.to_input(grad_output)

    def add_table(self, dy, x):
        self.table.grad += x.reshape(-1, 3).T @ dy.reshape(-1, 4)

    def to_input(self, dy):
        return dy @ self.table.T


class Residual(cn.Module):
    """``y = x + child(x)``"""

    case = Case(shape=(5, 3))

    def __init__(self):
        self.child = cn.Sequential(Square(), cn.Tanh())

    def forward(self, input):
        return input + self.child(input)

    def backward(self, grad_output):
        return self.to_input(grad_output)

    def to_input(self, dy):
        return dy + self.child.backward(dy)


def adds(name, gradient):
    """Return a method that adds ``gradient(self, …)`` to the parameter of that name."""

    def add(self, *given):
        getattr(self, name).grad += gradient(self, *given)

    return add


def weight(gradient):
    return {"add_weight": adds("weight", gradient)}


def bias(gradient):
    return {"add_bias": adds("bias", gradient)}


def gain(gradient):
    return {"add_gain": adds("gain", gradient)}


def to_input(gradient):
    return {"to_input": gradient}


def assigned(self, dy, x):
    self.weight.grad.copy_(dy.T @ x)


def twice(self, dy, x):
    self.weight.grad += dy.T @ x
    self.weight.grad += dy.T @ x


def doubled(self, dy, x):
    self.weight.grad += self.weight.grad + dy.T @ x


def emptied(self, dy, x):
    self.weight.grad.zero_()


# What is written otherwise in which component, and a word of the diagnosis that is due ("" if none fits).
FAULTS = {
    "sign of the weight": (Affine, weight(lambda self, dy, x: -(dy.T @ x)), "sign"),
    "weight divided by N": (Affine, weight(lambda self, dy, x: dy.T @ x / len(x)), "divided by N"),
    "weight times N": (Affine, weight(lambda self, dy, x: dy.T @ x * len(x)), "1/N missing"),
    "weight minus N times": (Affine, weight(lambda self, dy, x: -dy.T @ x * len(x)), "and the sign"),
    "weight divided by C": (Affine, weight(lambda self, dy, x: dy.T @ x / 3), "divided by C"),
    "weight divided by N·C": (Affine, weight(lambda self, dy, x: dy.T @ x / x.numel()), "divided by N·C"),
    "weight transposed": (Square, weight(lambda self, dy, x: x.T @ dy), "transposed"),
    "weight halved": (Affine, weight(lambda self, dy, x: dy.T @ x / 2), "factor 2 is missing"),
    "weight scaled": (Affine, weight(lambda self, dy, x: 0.7 * dy.T @ x), "0.7 times"),
    "weight forgotten": (Affine, weight(lambda self, dy, x: 0 * self.weight), "zero everywhere"),
    "weight not a number": (Affine, weight(lambda self, dy, x: dy.T @ x / 0), "not finite"),
    "weight assigned": (Affine, {"add_weight": assigned}, "assigned, not accumulated"),
    "weight added twice": (Affine, {"add_weight": twice}, "factor 2 too many"),
    "weight adds itself": (Affine, {"add_weight": doubled}, "once more"),
    "weight emptied": (Affine, {"add_weight": emptied}, "overwritten"),
    "weight decay inside": (Affine, weight(lambda self, dy, x: dy.T @ x + 0.01 * self.weight), "weight decay"),
    "weight with a constant": (Affine, weight(lambda self, dy, x: dy.T @ x + 0.5), "a constant is added"),
    "weight of the first sample": (Affine, weight(lambda self, dy, x: dy[:1].T @ x[:1]), "only the first sample"),
    "weight without the last sample": (Affine, weight(lambda self, dy, x: dy[:-1].T @ x[:-1]), "the first 4 of 5"),
    "weight without upstream": (Affine, weight(lambda self, dy, x: (dy * 0 + 1).T @ x), "grad_output is ignored"),
    "weight squares upstream": (Affine, weight(lambda self, dy, x: (dy**2).T @ x), "a factor twice"),
    "weight loses upstream's sign": (Affine, weight(lambda self, dy, x: dy.abs().T @ x), "sign of grad_output"),
    "weight clipped": (Affine, weight(lambda self, dy, x: (dy.T @ x).clamp(-1, 1)), "clipped at 1"),
    "weight reversed": (Affine, weight(lambda self, dy, x: (dy.T @ x).flip(0)), "reversed"),
    "weight shifted": (Affine, weight(lambda self, dy, x: (dy.T @ x).roll(1, 0)), "shifted"),
    "weight normalised": (Affine, weight(lambda self, dy, x: (dy.T @ x).sign()), "size is lost"),
    "weight one element off": (Square, weight(lambda self, dy, x: dy.T @ x + torch.eye(1, 9).view(3, 3)), "index 0"),
    "weight six digits": (Affine, weight(lambda self, dy, x: dy.T @ x * (1 + 3e-6)), "almost right"),
    "weight three digits": (Affine, weight(lambda self, dy, x: dy.T @ x + 1e-4 * (dy.T @ x).sin()), "nearly right"),
    "bias averaged": (Affine, bias(lambda self, dy: dy.mean(0)), "divided by N"),
    "bias over everything": (Affine, bias(lambda self, dy: dy.sum()), "summed over dimension 0"),
    "bias over the wrong dimension": (Square, bias(lambda self, dy: dy[:3].sum(1)), "wrong dimension"),
    "bias of the first row": (Affine, bias(lambda self, dy: dy[0]), "only the first sample"),
    "bias of the last row": (Affine, bias(lambda self, dy: dy[-1]), "only the last sample"),
    "bias not summed": (Affine, bias(lambda self, dy: dy), "sum"),
    "gain without the input": (Gain, gain(lambda self, dy, x: dy.sum(0)), "the derivative is missing"),
    "gain exchanged": (Gain, {"to_input": lambda self, dy: dy}, "passed on"),
    "gain too many": (Gain, gain(lambda self, dy, x: (dy * x * self.gain).sum(0)), "extra factor gain"),
    "gain averaged": (Gain, gain(lambda self, dy, x: (dy * x).mean(0)), "divided by N"),
    "gain squared for the input": (Gain, to_input(lambda self, dy: dy * self.gain**2), "extra factor gain"),
    "factor averaged": (Temperature, {"add_factor": adds("factor", lambda self, dy, x: (dy * x).mean())}, "N·C"),
    "factor of the rows": (Temperature, {"add_factor": adds("factor", lambda self, dy, x: (dy * x)[0].sum())}, "first"),
    "matrix not transposed": (Square, to_input(lambda self, dy: dy @ self.weight.T), "Jacobian is transposed"),
    "bias in the input": (Square, to_input(lambda self, dy: dy @ self.weight + self.bias), "bias is added"),
    "input transposed": (Affine, to_input(lambda self, dy: (dy @ self.weight).T), "transposed"),
    "input summed": (Affine, to_input(lambda self, dy: (dy @ self.weight).sum(0)), "summed over dimension 0"),
    "input flattened": (Affine, to_input(lambda self, dy: (dy @ self.weight).flatten()), "wrong shape"),
    "input with a dimension more": (Affine, to_input(lambda self, dy: dy[..., None] * self.weight), "not summed"),
    "nothing returned": (Affine, to_input(lambda self, dy: None), "returns None"),
    "table not transposed": (Table, to_input(lambda self, dy: dy), "passed on"),
    "table averaged": (Table, {"add_table": adds("table", lambda self, dy, x: x.T @ dy / 5)}, "divided by N"),
    "no shortcut": (Residual, to_input(lambda self, dy: self.child.backward(dy)), "term grad_output is missing"),
    "residual without its child": (Residual, to_input(lambda self, dy: dy + 0 * self.child.backward(dy)), "passed on"),
    "residual skips its child": (Residual, to_input(lambda self, dy: dy), "backward of child.0, Square(), never used"),
}  # fmt: skip
RIGHT = [Affine, Square, Gain, Temperature, Table, Residual]


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
    assert len(FAULTS) >= 54
    assert sum(not word for _, _, word in FAULTS.values()) <= 0


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
