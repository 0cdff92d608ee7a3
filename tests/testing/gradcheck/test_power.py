"""Right code is never accused, wrong code is seen or said to be beyond the check's power."""

import math

import pytest
import torch

import corenet as cn
from benchmarks.gradcheck_survey.draw import SUBJECTS
from benchmarks.gradcheck_survey.pointwise import POINTWISE, Pointwise
from corenet.testing.gradcheck.gradcheck import examine


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def curve(name):
    function, slope, *_ = POINTWISE[name]
    return Pointwise(function, slope)


def small_network(scale):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 8), cn.ReLU(), cn.Linear(8, 1))
    for linear in (model[0], model[2]):
        linear.weight.normal_(0, scale)
        linear.bias.zero_()
    return model


XOR = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
RIGHT = {
    "relu near zero": (cn.ReLU(), double(9.9975e-6, -9.9975e-6, 1.0)),
    "relu at 1e-300": (cn.ReLU(), double(1e-300, 2.0, -1.0)),
    "sine at 1,000": (curve("sin"), torch.arange(0, 1000, 37.0)),
    "sine at a million": (curve("sin"), 1e6 + torch.arange(0.0, 4.0).double()),
    "an offset of a million": (curve("x + 1e6"), double(0.1, -1.0, 2.0)),
    "logarithm near zero": (curve("log"), double(1e-12, 0.5, 1e-300)),
    "root near zero": (curve("sqrt"), double(1e-20, 0.5)),
    "arcsine near one": (curve("asin"), double(1 - 1e-12, 0.5)),
    "a clamp at its edge": (curve("relu6"), double(6.0, 6 + 1e-9, 6 - 1e-9, 3.0)),
    "absolute value": (curve("abs"), double(0.0, 1e-8, -1.0)),
    "relu network with weights of 0.02": (small_network(0.02), XOR),
    "relu network with weights of 0.001": (small_network(0.001), XOR),
    "a row of zeros, normalised": (SUBJECTS["direction"].build(3), double([0.0, 0, 0], [1, 2, 3], [-1, 0, 1])),
    "a mask of −∞": (SUBJECTS["masked"].build(4), torch.randn(3, 4)),
    "an added mask of −∞": (SUBJECTS["added mask"].build(4), torch.randn(3, 4)),
    "softmax, nearly saturated": (SUBJECTS["softmax"].build(3), double([0.0, 5.0, 40.0], [1.0, 2.0, -300.0])),
    "a tie of the largest": (SUBJECTS["largest"].build(3), double([1.0, 1.0, 0.0], [1.0, 2.0, 3.0])),
    "tiny inputs": (curve("silu"), 1e-12 * torch.randn(4, 3).double()),
    "huge inputs": (curve("square"), 1e12 * torch.randn(4, 3).double()),
}


@pytest.mark.parametrize(("component", "input"), RIGHT.values(), ids=RIGHT)
def test_right_code_agrees(component, input):
    report = cn.gradcheck(component, input)
    assert report.status == "agrees"
    assert report.power <= 1e-2


@pytest.mark.parametrize("probability", [1e-2, 1e-3, 3e-4, 1e-4, 3e-5, 1e-8, 1e-12])
def test_the_cross_entropy_of_small_probabilities_agrees(probability):
    input, target = double(probability, 0.5, 1 - max(probability, 1e-11)), double(1.0, 0.0, 0.0)
    assert cn.gradcheck(cn.BCELoss(), input, target).tensors[0].checked == 3


@pytest.mark.parametrize("scale", [1e-12, 1e-9, 1.0, 1e9])
def test_a_factor_of_two_is_seen_at_every_scale(scale):
    half = Pointwise(lambda x: scale * x * x, lambda x: scale * x)
    report = examine(half, torch.randn(5, 3))
    assert report.status == "wrong"
    assert report.error == pytest.approx(0.5, rel=1e-3)
    right = Pointwise(lambda x: scale * x * x, lambda x: 2 * scale * x)
    assert cn.gradcheck(right, torch.randn(5, 3)).power < 2e-6


@pytest.mark.parametrize(
    ("component", "input"),
    [
        (cn.Sigmoid(), double(50.0, 60.0)),
        (cn.Tanh(), double(-40.0, 30.0)),
        (cn.ReLU(), double(-1.0, -2.0)),
        (Pointwise(lambda x: x.relu(), lambda x: 2 * (x > 0)), double(-1.0, -2.0)),
        (Pointwise(torch.tanh, lambda x: 3 * (1 - x.tanh() ** 2)), double(-40.0, 30.0)),
    ],
)
def test_where_every_gradient_is_zero_nothing_is_claimed(component, input):
    report = examine(component, input)
    assert report.status == "inconclusive"
    assert not report
    assert report.tensors[0].flat
    with pytest.raises(cn.GradientError, match="inconclusive, a fault of 1 % could have hidden"):
        cn.gradcheck(component, input)


def test_a_bias_without_effect_is_named_and_spoils_nothing():
    report = cn.gradcheck(cn.Sequential(cn.Linear(3, 2), SUBJECTS["centre"].build(2)), torch.randn(4, 3))
    assert report.power < 1e-5
    shift = Pointwise(lambda x: x * 0 + 1, lambda x: x * 0)
    (tensor,) = cn.gradcheck(shift, torch.randn(4)).tensors
    assert tensor.note == "the output does not depend on it, so its gradient is 0"
    assert tensor.power is None


@pytest.mark.parametrize("power", [1e-9, 1e-4])
def test_the_power_is_what_is_seen_and_no_less(power):
    rtol = max(power / 2, 1e-9)
    report = examine(curve("sin"), torch.randn(4, 3), rtol=rtol)
    seen, unseen = 1.01 * report.power, 0.5 * rtol

    def off(by):
        return examine(Pointwise(torch.sin, lambda x: torch.cos(x) * (1 + by)), torch.randn(4, 3), rtol=rtol)

    torch.manual_seed(0)
    assert off(seen).status == "wrong"
    assert off(unseen).status == "agrees"


def test_one_element_wrong_by_a_hundred_thousandth_is_seen():
    def slope(x):
        found = torch.cos(x)
        found.view(-1)[5] *= 1 + 1e-5
        return found

    report = examine(Pointwise(torch.sin, slope), torch.randn(4, 3))
    assert report.status == "wrong"
    assert report.tensors[0].index == (1, 2)
    assert report.error == pytest.approx(1e-5, rel=1e-2)


def test_what_is_computed_in_float32_is_named_and_no_pass():
    single = Pointwise(lambda x: torch.tanh(x.float()).double(), lambda x: 1 - torch.tanh(x) ** 2)
    report = examine(single, torch.randn(4, 3))
    assert report.status == "inconclusive"
    assert report.reason.startswith("forward computes in float32")
    hidden = Pointwise(lambda x: math.pi * torch.tanh(x.float()).double(), lambda x: math.pi * (1 - torch.tanh(x) ** 2))
    assert examine(hidden, torch.randn(4, 3)).reason.startswith("forward computes in float32")
    half = Pointwise(lambda x: torch.tanh(x.float()).double(), lambda x: (1 - torch.tanh(x) ** 2) / 2)
    assert examine(half, torch.randn(4, 3)).status == "wrong"


def test_a_mask_in_float32_is_exact_and_no_reason():
    masked = Pointwise(lambda x: x * x * (x > 0).float().double(), lambda x: 2 * x * (x > 0))
    assert cn.gradcheck(masked, torch.randn(4, 3)).reason == ""


def test_where_forward_is_not_finite_is_said():
    root = Pointwise(torch.log, lambda x: 1 / x)
    report = cn.gradcheck(root, double(0.0, 1.0, 2.0))
    assert (report.tensors[0].checked, report.tensors[0].edges) == (2, 1)
    assert report.note == "forward is not finite at 1 of 3 outputs, first at [0]: -inf"


def test_a_gradient_that_is_not_finite_is_wrong():
    report = examine(Pointwise(torch.square, lambda x: 2 * x / (x > 0)), torch.randn(4, 3))
    assert report.status == "wrong"
    assert "not finite" in report.tensors[0].diagnosis
