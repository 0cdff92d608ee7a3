"""Functions on which differences are hard to take: right code agrees, or is said to be beyond the power."""

import math

import pytest
import torch

import corenet as cn
from benchmarks.gradcheck_survey.draw import SUBJECTS
from benchmarks.gradcheck_survey.pointwise import Pointwise
from corenet.testing.gradcheck.gradcheck import examine

NUMBERS = torch.randn(4, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def deep(*middle):
    torch.manual_seed(3)
    return cn.Sequential(cn.Linear(3, 6), *middle, cn.Linear(6, 3), SUBJECTS["log-softmax"].build(3))


def smooth_relu(x):
    return (x + (x * x + 1e-12).sqrt()) / 2


CURVES = {
    "a sine at 1e9": (torch.sin, torch.cos, 1e9 + NUMBERS),
    "a fast sine": (lambda x: torch.sin(1e8 * x), lambda x: 1e8 * torch.cos(1e8 * x), NUMBERS),
    "a ripple": (lambda x: x + 1e-6 * torch.sin(1e6 * x), lambda x: 1 + torch.cos(1e6 * x), NUMBERS),
    "a coarser ripple": (lambda x: x + 1e-4 * torch.sin(1e4 * x), lambda x: 1 + torch.cos(1e4 * x), NUMBERS),
    "a steep exponential": (lambda x: torch.exp(50 * x), lambda x: 50 * torch.exp(50 * x), NUMBERS),
    "an exponential near its end": (torch.exp, torch.exp, double(700.0, -700.0, 1.0)),
    "a double exponential": (lambda x: x.exp().exp(), lambda x: (x + x.exp()).exp(), double(5.0, 6.0, -3.0, 0.0)),
    "tiny numbers": (torch.tanh, lambda x: 1 - x.tanh() ** 2, 1e-12 * NUMBERS),
    "a cube of tiny numbers": (lambda x: x**3, lambda x: 3 * x**2, 1e-12 * NUMBERS),
    "huge numbers": (lambda x: (x / 1e12).tanh(), lambda x: (1 - (x / 1e12).tanh() ** 2) / 1e12, 1e12 * NUMBERS),
    "1 − cos": (lambda x: 1 - torch.cos(x), torch.sin, 1e-4 * NUMBERS),
    "e^x − 1": (lambda x: torch.exp(x) - 1, torch.exp, 1e-8 * NUMBERS),
    "log(1 + x)": (lambda x: (1 + x).log(), lambda x: 1 / (1 + x), 1e-10 * NUMBERS),
    "√(x + 1) − √x": (
        lambda x: (x + 1).sqrt() - x.sqrt(),
        lambda x: 0.5 / (x + 1).sqrt() - 0.5 / x.sqrt(),
        1e8 * NUMBERS.abs(),
    ),
    "a remainder": (lambda x: x - torch.floor(x), torch.ones_like, 3 * NUMBERS),
    "a sawtooth": (lambda x: x * (-1) ** torch.floor(x), lambda x: (-1) ** torch.floor(x), 4 * NUMBERS),
    "whole numbers": (torch.abs, torch.sign, torch.arange(-3.0, 4.0)),
    "x sin(1/x)": (
        lambda x: x * torch.sin(1 / x),
        lambda x: torch.sin(1 / x) - torch.cos(1 / x) / x,
        0.01 * NUMBERS,
    ),
    "a smooth kink": (
        smooth_relu,
        lambda x: 0.5 * (1 + x / (x * x + 1e-12).sqrt()),
        double(0.0, 1e-6, -1e-6, 1e-7, 1.0, -1.0),
    ),
    "many frequencies": (
        lambda x: sum(torch.cos(7**k * x) / 2**k for k in range(6)),
        lambda x: sum(-(3.5**k) * torch.sin(7**k * x) for k in range(6)),
        NUMBERS,
    ),
    "a gamma function at its minimum": (torch.lgamma, torch.digamma, double(1.4616321449683623, 2.0)),
    "a parabola at its minimum": (lambda x: (x - 1) ** 2, lambda x: 2 * (x - 1), double(1.0, 1 + 1e-9, 2.0)),
    "one number": (torch.sin, torch.cos, double(0.7)),
    "no dimension": (torch.sin, torch.cos, torch.tensor(0.7)),
}


@pytest.mark.parametrize(("function", "slope", "input"), CURVES.values(), ids=CURVES)
def test_a_right_curve_agrees_and_a_wrong_one_is_found(function, slope, input):
    report = cn.gradcheck(Pointwise(function, slope), input)
    assert report.power < 1e-2
    assert report.tensors[0].checked >= input.numel() - 1
    wrong = examine(Pointwise(function, lambda x: 1.05 * slope(x)), input)
    assert wrong.status == "wrong"
    assert wrong.error == pytest.approx(0.05, rel=0.1)


UNKNOWABLE = {
    "a sine at 1e15": (torch.sin, torch.cos, 1e15 + 7 * torch.arange(5.0).double()),
    "a sine at 1e12": (torch.sin, torch.cos, 1e12 + NUMBERS),
    "a fine grid": (lambda x: (1e4 * x).round() / 1e4, torch.ones_like, NUMBERS),
    "a ripple of the rounding's size": (
        lambda x: x + 1e-15 * torch.sin(1e15 * x),
        lambda x: 1 + torch.cos(1e15 * x),
        NUMBERS,
    ),
}


@pytest.mark.parametrize(("function", "slope", "input"), UNKNOWABLE.values(), ids=UNKNOWABLE)
def test_where_no_step_knows_the_slope_nothing_is_claimed(function, slope, input):
    report = examine(Pointwise(function, slope), input)
    assert report.status != "wrong"
    assert report.tensors[0].kinks == 0


@pytest.mark.parametrize("function", [torch.sign, torch.round, torch.ceil])
def test_a_step_function_is_flat_not_kinked(function):
    (tensor,) = examine(Pointwise(function, torch.zeros_like), NUMBERS).tensors
    assert (tensor.flat, tensor.kinks, tensor.status) == (True, 0, "inconclusive")


def test_a_gradient_that_passes_through_a_coarse_grid_is_no_gradient():
    report = examine(Pointwise(lambda x: (8 * x).round() / 8, torch.ones_like), NUMBERS)
    assert report.status == "wrong"  # a straight-through estimator: on purpose, and not the derivative


NORMALISATIONS = {
    name: (SUBJECTS[subject].build(4), input)
    for name, subject, input in [
        ("a layer norm of zeros", "layer norm", torch.zeros(5, 4)),
        ("a layer norm of large numbers", "layer norm", 1e6 + torch.randn(5, 4).double()),
        ("a batch norm of equal rows", "batch norm", torch.ones(5, 4)),
        ("a softmax over one", "softmax", torch.randn(5, 1)),
    ]
}


@pytest.mark.parametrize(("component", "input"), NORMALISATIONS.values(), ids=NORMALISATIONS)
def test_a_normalisation_agrees_where_it_degenerates(component, input):
    assert cn.gradcheck(component, input)


@pytest.mark.parametrize("input", [torch.zeros(1, 5), torch.ones(2, 3), double([1.0, 2.0, 2.0, 2.0, 3.0])])
def test_equal_numbers_are_a_kink_of_a_sort(input):
    report = examine(SUBJECTS["sort"].build(input.shape[-1]), input.reshape(-1, input.shape[-1]))
    assert report.status != "wrong"
    assert report.tensors[0].kinks == (input == input.median()).sum()


def test_beside_a_kink_a_shared_parameter_is_judged_by_the_other_rows():
    class Halved(cn.Linear):
        def backward_parameters(self, grad_output):
            super().backward_parameters(grad_output / 2)

    right, wrong = cn.Linear(2, 3), Halved(2, 3)
    input = torch.tensor([[0.0, 0.0], [1.0, 2.0], [-1.0, 0.5]])
    for layer, status in ((right, "agrees"), (wrong, "wrong")):
        layer.bias.zero_()
        report = examine(cn.Sequential(layer, cn.ReLU()), input)
        assert {tensor.name: tensor.status for tensor in report.tensors}["0.bias"] == status


def test_a_chain_of_everything_agrees():
    chain = deep(
        SUBJECTS["layer norm"].build(6), SUBJECTS["gelu"].build(6), cn.Dropout(0.3), SUBJECTS["softmax"].build(6)
    )
    assert cn.gradcheck(chain, torch.randn(5, 3)).power < 1e-4


def test_an_empty_batch_proves_nothing_and_is_said_to_be_empty():
    report = examine(cn.Linear(3, 2), torch.zeros(0, 3))
    assert report.status == "inconclusive"
    assert report.note == "forward gives no element, but the shape (0, 2)"
    assert [(tensor.checked, tensor.left_out) for tensor in report.tensors] == 3 * [(0, 0)]


def test_where_no_output_is_finite_nothing_is_called_flat_or_a_kink():
    report = examine(Pointwise(torch.log, lambda x: 1 / x), double(-1.0, -2.0, -3.0))
    assert report.summary == "nothing could be compared"
    assert report.note == "forward is not finite at 3 of 3 outputs, first at [0]: nan"
    assert (report.tensors[0].flat, report.tensors[0].left_out) == (False, 0)


def test_a_gradient_that_is_not_finite_where_the_output_is_not_is_left_out():
    report = cn.gradcheck(
        Pointwise(lambda x: (1e4 * x).exp(), lambda x: 1e4 * (1e4 * x).exp()), double(0.0, 0.01, 0.08)
    )
    assert (report.tensors[0].checked, report.tensors[0].edges) == (2, 1)
    assert report.note.startswith("forward is not finite at 1 of 3 outputs, first at [2]: inf")


def test_nan_from_a_mask_is_wrong():
    mask = torch.tensor([True, True, False])
    masked = Pointwise(lambda x: x.masked_fill(mask, -math.inf), lambda x: torch.where(mask, math.nan, 1.0).double())
    report = examine(masked, double(-1.0, -2.0, 3.0))
    assert report.status == "wrong"
    assert "not finite" in report.tensors[0].diagnosis


def test_at_a_cusp_the_gradient_may_be_anything():
    root = Pointwise(lambda x: x.abs().sqrt(), lambda x: x.sign() / x.abs().sqrt() / 2)
    report = cn.gradcheck(root, double(0.0, 2.0, 3.0))
    assert (report.tensors[0].checked, report.tensors[0].left_out) == (2, 1)
