"""The digits that a computation works with, and what of it is rounding."""

import numpy as np
import pytest
import torch

import corenet as cn
from benchmarks.gradcheck_survey.pointwise import Pointwise
from corenet.testing.gradcheck.gradcheck import examine
from corenet.testing.gradcheck.noise import precision


def numbers(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_numpy(x):
    return torch.from_numpy(np.tanh(x.numpy().astype(np.float32))).double()


def slope(x):
    return 1 - x.tanh() ** 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_an_operation_that_loses_digits_is_seen(dtype):
    x = numbers(8)
    assert precision(lambda: x.to(dtype).tanh().double() * 3.3, 3.3 * x.tanh()) == dtype
    assert precision(lambda: x.sum(0, dtype=dtype), x.sum(0)) == dtype


@pytest.mark.parametrize("function", [torch.tanh, torch.round, lambda x: (x > 0).float().double() * x, torch.ceil])
def test_whole_numbers_and_masks_lose_nothing(function):
    x = 100 * numbers(12)
    assert precision(lambda: function(x), function(x)) == torch.float64


def test_numbers_with_the_digits_of_a_float32_are_seen():
    x = numbers(8)
    assert precision(lambda: None, by_numpy(x)) == torch.float32
    assert precision(lambda: None, by_numpy(x)[:5]) == torch.float64  # too few to tell


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: x.float().tanh(), "float32"),
        (lambda x: x.float().tanh().double(), "float32"),
        (lambda x: x.half().tanh().double(), "float16"),
        (lambda x: x.bfloat16().tanh().double(), "bfloat16"),
        (by_numpy, "float32"),
        (lambda x: x.tanh().sum(-1, dtype=torch.float32), "float32"),
    ],
)
def test_fewer_digits_are_named_and_neither_a_kink_nor_wrong(function, name, seed):
    def spread(x):
        return slope(x)

    class Rough(Pointwise):
        def backward(self, grad_output):
            (input,) = self.saved()
            return grad_output.double().reshape(len(input), -1) * self.slope(input)

    report = examine(Rough(function, spread), numbers(4, 3, seed=seed))
    assert report.status == "inconclusive"
    assert report.reason.startswith(f"forward computes in {name}: ")
    assert report.tensors[0].kinks == 0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("offset", [1e4, 1e6, 1e8, 1e10, 1e12])
def test_what_a_large_number_takes_away_is_rounding(offset, seed):
    lost = Pointwise(lambda x: (x.sin() + offset) - offset, torch.cos)
    report = examine(lost, numbers(4, 3, seed=seed))
    assert report.status in ("agrees", "inconclusive")
    assert report.reason == ""
    assert report.status == "agrees" or offset >= 1e10
    half = examine(Pointwise(lambda x: (x.sin() + offset) - offset, lambda x: x.cos() / 2), numbers(4, 3, seed=seed))
    assert half.status == ("wrong" if offset < 1e12 else half.status)


def test_an_input_that_is_a_float32_itself_hides_nothing():
    input = numbers(4, 3).float()
    assert examine(Pointwise(by_numpy, slope), input).reason.startswith("forward computes in float32")
    assert examine(Pointwise(lambda x: x.relu() * 2, lambda x: 2 * (x > 0)), input).reason == ""


@pytest.mark.parametrize(
    ("function", "slope", "seed"),
    [
        (lambda x: (x.sin() + 1e10) - 1e10, torch.cos, 38),
        (lambda x: (x.sin() + 1e12) - 1e12, torch.cos, 35),
        (lambda x: torch.sin(1e8 * x), lambda x: 1e8 * torch.cos(1e8 * x), 35),
        (lambda x: 3.3 * by_numpy(x), lambda x: 3.3 * slope(x), 28),
        (lambda x: (1e4 * x).round() / 1e4, torch.ones_like, 36),
    ],
)
def test_five_points_that_a_lattice_misses_by_chance_are_no_slope(function, slope, seed):
    torch.manual_seed(seed)
    assert examine(Pointwise(function, slope), torch.randn(4, 3)).status != "wrong"


def test_a_float32_backward_alone_is_wrong_as_it_loses_what_forward_has():
    single = Pointwise(torch.tanh, lambda x: (1 - x.float().tanh() ** 2).double())
    report = examine(single, 3 * numbers(8, 3))
    assert report.status == "wrong"
    assert "float32" in report.tensors[0].diagnosis


def test_an_output_of_whole_numbers_is_no_gradient_s():
    class Index(cn.Module):
        def forward(self, input):
            return input.argmax(-1)

        def backward(self, grad_output):
            return torch.zeros(4, 3)

    with pytest.raises(cn.GradientError, match=r"Index\(\): forward returns torch.int64, which has no gradient"):
        cn.gradcheck(Index(), numbers(4, 3))
