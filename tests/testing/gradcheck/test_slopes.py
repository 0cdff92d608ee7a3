"""Slopes and the bounds of their errors: right on smooth functions at every scale, none at kinks and edges."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import corenet as cn
from corenet.testing.gradcheck.changes import Changes
from corenet.testing.gradcheck.line import Line, elements, typical
from corenet.testing.gradcheck.slopes import Slopes


def slopes(function, *numbers):
    """Return the slopes of the sum of a function's outputs along each of its numbers, which stay as they are."""
    x = torch.tensor(numbers, dtype=torch.float64)
    before, output = x.clone(), function(x)
    found = Slopes(Changes(lambda: function(x), output, [torch.ones_like(output)]), elements(x))
    assert torch.equal(x, before)
    return found


SMOOTH = {
    "sine": (torch.sin, 0.3, math.cos(0.3)),
    "sine at 1,000": (torch.sin, 1e3, math.cos(1e3)),
    "sine at a million": (torch.sin, 1e6, math.cos(1e6)),
    "fast sine": (lambda x: torch.sin(1000 * x), 0.4, 1000 * math.cos(400)),
    "cube": (lambda x: x**3, -2.0, 12.0),
    "cube of a tiny number": (lambda x: x**3, 1e-12, 3e-24),
    "exponential": (torch.exp, 5.0, math.exp(5)),
    "an offset of a million": (lambda x: x + 1e6, 0.7, 1.0),
    "large factor": (lambda x: 1e6 * x, 1e6, 1e6),
    "small factor": (lambda x: 1e-9 * x * x, 0.5, 1e-9),
    "small factor below an offset": (lambda x: 1 + 1e-9 * x, 1e-3, 1e-9),
    "logarithm near zero": (torch.log, 1e-12, 1e12),
    "logarithm nearer": (torch.log, 1e-300, 1e300),
    "root near zero": (torch.sqrt, 1e-20, 0.5e10),
    "arcsine near one": (torch.asin, 1 - 1e-12, 1 / math.sqrt(1 - (1 - 1e-12) ** 2)),
    "absolute value": (torch.abs, 3.0, 1.0),
    "absolute value of a tiny number": (torch.abs, -1e-300, -1.0),
    "x³ at zero": (lambda x: x**3, 0.0, 0.0),
    "x |x| at zero": (lambda x: x * x.abs(), 0.0, 0.0),
    "steep about zero": (lambda x: x / x.abs().clamp(min=1e-12), 0.0, 1e12),
    "round at a tiny scale": (lambda x: (x * x + 1e-20).sqrt(), 1e-10, 1 / math.sqrt(2)),
}


@pytest.mark.parametrize(("function", "at", "expected"), SMOOTH.values(), ids=SMOOTH)
def test_a_slope_is_within_its_error_which_is_small(function, at, expected):
    found = slopes(function, at)
    assert abs(found.value.item() - expected) <= 2 * found.error.item()
    assert found.error.item() <= 1e-3 * abs(expected) + 1e-9 * (expected == 0)
    assert found.value.item() == pytest.approx(expected, rel=1e-5, abs=1e-9)
    assert not found.bent.item()


@pytest.mark.parametrize("at", [9.9975e-6, -9.9975e-6, 1e-9, -1e-9, 1e-300])
def test_close_to_a_kink_the_slope_is_that_of_its_side(at):
    found = slopes(torch.relu, at, 1.0)  # whose scale is 1
    assert found.value[:, 0].tolist() == [float(at > 0), 1.0]
    assert found.error.max() < 1e-6


@pytest.mark.parametrize("function", [torch.abs, torch.relu, lambda x: (x >= 0).double(), lambda x: x.abs().sqrt()])
def test_there_is_no_slope_at_a_kink_a_jump_or_a_cusp(function):
    found = slopes(function, 0.0)
    assert not found.error.item() <= 0.4 * max(1.0, abs(found.value.item()))


def test_a_kink_is_told_from_an_edge():
    def log(x):
        if (x < 0).any():
            raise cn.RangeError("log takes x ≥ 0")
        return x.log1p()

    assert slopes(log, 0.0).error.isinf().all()
    assert not slopes(log, 0.0).bent.any()
    assert slopes(torch.abs, 0.0).bent.all()


def test_not_a_number_is_no_slope():
    found = slopes(lambda x: x.clamp(max=0) + torch.where(x > 0, torch.nan, 0.0), 0.0)
    assert found.error.isinf().all()


def test_rounding_that_the_last_digit_does_not_show_is_measured():
    plain, rough = slopes(torch.sin, *range(1, 9)), slopes(lambda x: (x.sin() + 1e6) - 1e6, *range(1, 9))
    assert plain.excess < 30
    assert rough.excess > 1e4
    truth = torch.arange(1.0, 9.0, dtype=torch.float64).cos()
    assert ((rough.value[:, 0] - truth).abs() <= 4 * rough.error[:, 0]).all()


def test_an_output_that_does_not_depend_on_an_element_adds_little_rounding_to_its_slope():
    x = torch.tensor([1.0, 1e-6], dtype=torch.float64)
    output = torch.stack([1e12 * x[0], x[1]])
    function = lambda: torch.stack([1e12 * x[0], x[1]])  # noqa: E731
    found = Slopes(Changes(function, output, [torch.ones(2, dtype=torch.float64)]), elements(x))
    assert found.value[1].item() == pytest.approx(1, rel=1e-6)
    assert found.error[1].item() < 1e-3  # 1e12 does not change over a distance of 0.4, up to its rounding of 1e-4


def test_what_looks_like_rounding_over_long_steps_is_seen_to_be_a_ripple_over_short_ones():
    at = torch.linspace(0.3, 2, 12, dtype=torch.float64)
    found = slopes(lambda x: x + 1e-6 * torch.sin(1e6 * x), *at.tolist())
    truth = 1 + torch.cos(1e6 * at)
    assert found.excess > 1e6
    found.exhaust(list(range(12)))
    assert ((found.value[:, 0] - truth).abs() <= 4 * found.error[:, 0]).all()
    assert found.error.max() < 1e-5


@pytest.mark.parametrize("at", torch.linspace(0.1, 3, 20).tolist())
@pytest.mark.parametrize("offset", [1e8, 1e10])
def test_where_a_lattice_misses_five_points_the_scatter_at_shorter_steps_is_the_error(offset, at):
    found = slopes(lambda x: (x.sin() + offset) - offset, at)
    found.exhaust([0])
    flat = found.value.item() == 0
    assert flat or abs(found.value.item() - math.cos(at)) <= 4 * found.error.item()


def test_a_long_step_does_not_outdo_a_short_one_that_it_contradicts():
    at = torch.linspace(-1, 2, 12, dtype=torch.float64)
    found = slopes(lambda x: torch.sin(1e8 * x), *at.tolist())
    found.exhaust(list(range(12)))
    truth = 1e8 * torch.cos(1e8 * at)
    assert ((found.value[:, 0] - truth).abs() <= 1e-3 * truth.abs().max()).all()


def test_a_term_that_does_not_move_over_a_short_step_is_missing_from_its_slope_and_in_its_error():
    part = lambda x: torch.stack([(3000 + 1e-9 * x).sin(), 1e-4 * (x + 0.3).sin()])  # noqa: E731
    found = slopes(lambda x: part(x[0]), 0.7)
    truth = 1e-9 * math.cos(3000) + 1e-4 * math.cos(1)
    found.exhaust([0])
    assert abs(found.value.item() - truth) <= 4 * found.error.item()
    assert found.error.item() < 1e-3 * truth


def test_each_upstream_gradient_has_its_column():
    x = torch.tensor([2.0, 3.0], dtype=torch.float64)
    function = lambda: torch.stack([x[0] * x[0], x[0] * x[1]])  # noqa: E731
    found = Slopes(Changes(function, function(), list(torch.eye(2, dtype=torch.float64))), elements(x))
    torch.testing.assert_close(found.value, torch.tensor([[4.0, 3.0], [0.0, 2.0]], dtype=torch.float64))


def test_masks_of_minus_infinity_take_no_part():
    found = slopes(lambda x: torch.stack([x[0], x[1] * 0 - torch.inf]), 2.0, 3.0)
    assert found.value[:, 0].tolist() == pytest.approx([1.0, 0.0])


def test_an_output_of_no_elements_has_no_slope_and_no_error_of_its_own():
    found = slopes(lambda x: x[1:], 1.0)
    assert found.value.tolist() == [[0.0]]


def test_a_slope_along_a_direction_is_the_sum_over_the_elements():
    x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    direction = torch.tensor([1.0, -1.0, 1.0], dtype=torch.float64)
    function = lambda: (x**2).sum()  # noqa: E731
    found = Slopes(
        Changes(function, function(), [torch.ones((), dtype=torch.float64)]), [Line(x, 1.0, direction=direction)]
    )
    assert found.value.item() == pytest.approx(2 - 4 + 6)
    assert x.tolist() == [1, 2, 3]


def test_the_typical_size_is_a_median_without_the_zeros():
    assert typical(torch.tensor([0.0, 0.0, 4.0, -2.0, 1e9])) == 4.0
    assert typical(torch.zeros(3)) == 1.0


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([(torch.sin, torch.cos), (torch.atan, lambda x: 1 / (1 + x * x)), (torch.square, lambda x: 2 * x)]),
    st.floats(-12, 6),
    st.sampled_from([-1, 1]),
)
def test_the_error_bounds_hold_over_scales(curve, exponent, sign):
    function, derivative = curve
    at = sign * 10**exponent
    found = slopes(function, at)
    expected = derivative(torch.tensor(at, dtype=torch.float64)).item()
    assert abs(found.value.item() - expected) <= 4 * found.error.item() + 1e-13 * abs(expected)
