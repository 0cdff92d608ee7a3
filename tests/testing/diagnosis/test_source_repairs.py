"""A wrong variable, operator, function or number, and a part that is missing, are found by changing the source."""

import ast

import pytest
import torch

import corenet as cn
from corenet.testing.diagnosis.source_repairs import compared, completed, extended, repaired
from corenet.testing.gradcheck.gradcheck import examine


class Normal(cn.Module):
    """``y = (x − μ) / σ`` of each row, with a gradient that each counterpart spoils in one place."""

    def forward(self, input):
        centred = input - input.mean(-1, keepdim=True)
        scale = (centred * centred).mean(-1, keepdim=True).sqrt()
        output = centred / scale
        self.save(output, scale)
        return output

    def backward(self, grad_output):
        output, scale = self.saved()
        mean = grad_output.mean(-1, keepdim=True)
        along = (grad_output * output).mean(-1, keepdim=True)
        return (grad_output - mean - output * along) / scale


class OtherVariable(Normal):
    def backward(self, grad_output):
        output, scale = self.saved()
        mean = grad_output.mean(-1, keepdim=True)
        along = (grad_output * scale).mean(-1, keepdim=True)
        return (grad_output - mean - output * along) / scale


class OtherOperator(Normal):
    def backward(self, grad_output):
        output, scale = self.saved()
        mean = grad_output.mean(-1, keepdim=True)
        along = (grad_output / output).mean(-1, keepdim=True)
        return (grad_output - mean - output * along) / scale


class OtherFunction(Normal):
    def backward(self, grad_output):
        output, scale = self.saved()
        mean = grad_output.mean(-1, keepdim=True)
        along = (grad_output * output).sum(-1, keepdim=True)
        return (grad_output - mean - output * along) / scale


class OtherNumber(cn.Module):
    def forward(self, input):
        self.save(input)
        return input**3 + 5 * input**2

    def backward(self, grad_output):
        (input,) = self.saved()
        return grad_output * (3 * input**2 + 5 * input)


class OtherRelation(cn.Module):
    def forward(self, input):
        self.save(input)
        return torch.where(input.abs() > 1, input, input**3)

    def backward(self, grad_output):
        (input,) = self.saved()
        return grad_output * torch.where(input.abs() < 1, torch.ones_like(input), 3 * input**2)


class MissingFactor(Normal):
    def backward(self, grad_output):
        output, scale = self.saved()
        mean = grad_output.mean(-1, keepdim=True)
        along = (grad_output * output).mean(-1, keepdim=True)
        return (grad_output - mean - along) / scale


class MissingDivisor(Normal):
    def backward(self, grad_output):
        output, scale = self.saved()  # noqa: RUF059 - as its author forgot
        mean = grad_output.mean(-1, keepdim=True)
        along = (grad_output * output).mean(-1, keepdim=True)
        return grad_output - mean - output * along


class SavedAnother(Normal):
    def forward(self, input):
        centred = input - input.mean(-1, keepdim=True)
        scale = (centred * centred).mean(-1, keepdim=True).sqrt()
        output = centred / scale
        self.save(centred, scale)
        return output


FAULTS = [
    (OtherVariable, "output in the place of scale", "along = (grad_output * scale)"),
    (OtherOperator, "grad_output * output in the place of grad_output / output", "along = (grad_output / output)"),
    (OtherFunction, ".mean(-1, keepdim=True) in the place of (grad_output * output).sum", "along = "),
    (OtherNumber, "10 in the place of 5", "return grad_output * (3 * input**2 + 5 * input)"),
    (OtherRelation, "input.abs() > 1 in the place of input.abs() < 1", "torch.where(input.abs() < 1"),
    (MissingFactor, ".mean(-1, keepdim=True) * output in the place of (grad_output * output).mean", "along = "),
    (MissingDivisor, "/ scale in the place of", "return grad_output - mean - output * along"),
    (SavedAnother, "output in the place of centred", "self.save(centred, scale)"),
]


@pytest.mark.parametrize(("cls", "words", "line"), FAULTS, ids=lambda each: getattr(each, "__name__", None))
def test_what_is_wrong_is_told_with_its_line(cls, words, line):
    input = torch.randn(5, 4, generator=torch.Generator().manual_seed(2))
    wrong = next(each for each in examine(cls(), input).tensors if not each.ok)
    told, where = wrong.diagnosis.splitlines()
    assert words in told
    assert told.endswith("in this line makes it right")
    assert line in where


def test_what_a_statement_writes_to_is_left_alone():
    class Edge(cn.Tanh):
        def backward(self, grad_output):
            grad_input = cn.Tanh.backward(self, grad_output)
            grad_input[:, -1] = 0
            return grad_input

    told = examine(Edge(), torch.randn(5, 4)).tensors[0].diagnosis
    assert "makes it right" not in told
    assert "grad_input[:, -1] = 0" in told


def edited(edits, source, variables=("x", "y")):
    tree = ast.parse(source, mode="eval").body
    return [ast.unparse(each.new) for node in ast.walk(tree) for each in edits(node, variables)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x * 2", ["x / 2", "4", "1", "3", "6", "y"]),
        ("x < y", ["x > y", "y", "x"]),
        ("f.sum(x)", ["f.mean(x)", "y"]),
        ("x and True", ["y"]),
        ("0.001 + z", ["0.002", "0.0005", "1.001", "-0.999", "1", "0.003", "0"]),
        ("z.mT", ["z"]),
        ("z.flip(-1)", ["z", "2", "0.5", "0", "3"]),
        ("torch.tanh(z)", ["torch.sigmoid(z)", "z"]),
        ("z.scatter(w)", ["z.scatter_add(w)"]),
        ("z", []),
    ],
)
def test_each_part_is_changed(source, found):
    assert edited(repaired, source) == found


def test_the_numbers_of_a_comparison_are_apart():
    assert edited(compared, "x < 4") == ["8", "2", "5", "3", "1", "12"]
    assert edited(repaired, "x < 4") == ["x > 4", "y"]
    assert edited(compared, "x * 4") == []


def test_what_may_be_missing_is_put_in():
    found = edited(extended, "x", ("y",))
    assert found == []  # x is no variable of this method
    assert edited(extended, "y", ("y",)) == ["y * y", "y / y", "y + y", "y - y"]
    assert edited(completed, "y", ("y",)) == ["y ** 2", "1 - y", "1 + y", "y - 1", "y.mT", "y.flip(-1)", "y.exp()"]
    assert edited(completed, "x", ("y",)) == []
    assert edited(extended, "self.saved()", ("y",)) == []
