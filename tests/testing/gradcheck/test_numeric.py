"""Central differences: right on smooth functions, absent at kinks and edges."""

import math

import pytest
import torch

import corenet as cn
from corenet.testing.gradcheck.numeric import derivative


def slope(function, at):
    """Return the numeric derivative of a function of one number, or None."""
    x = torch.tensor([at], dtype=torch.float64)
    found = derivative(lambda: function(x), x, (0,), function(x))
    assert x.item() == at
    return None if found is None else found.item()


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (torch.sin, 0.3, math.cos(0.3)),
        (lambda x: x**3, -2.0, 12.0),
        (torch.exp, 5.0, math.exp(5)),
        (lambda x: torch.sin(1000 * x), 0.4, 1000 * math.cos(400)),  # strong curvature is no kink
        (lambda x: 1e6 * x, 1e6, 1e6),
        (torch.abs, 3.0, 1.0),
        (torch.abs, 5e-6, 1.0),  # a kink within the first step, not within the second
    ],
)
def test_the_slope_of_a_smooth_function_is_found(function, at, expected):
    assert slope(function, at) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("function", [torch.abs, torch.relu, lambda x: (x >= 0).double()])
def test_there_is_no_slope_at_a_kink_or_a_jump(function):
    assert slope(function, 0.0) is None


def test_there_is_no_slope_where_a_step_leads_out_of_the_domain():
    def log(x):
        if (x <= 0).any():
            raise cn.RangeError("log takes x > 0")
        return x.log()

    assert slope(log, 1e-6) is None
    assert slope(log, 1e-3) == pytest.approx(1e3, rel=1e-3)


def test_not_a_number_is_no_slope():
    assert slope(lambda x: x.clamp(max=0) + torch.where(x > 0, torch.nan, 0.0), 0.0) is None


def test_the_slope_has_the_shape_of_the_output():
    x = torch.tensor([2.0, 3.0], dtype=torch.float64)
    function = lambda: torch.stack([x * x[0], x])  # noqa: E731
    expected = torch.tensor([[4.0, 3.0], [1.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(derivative(function, x, (0,), function()), expected)


def test_an_empty_output_has_an_empty_slope():
    x = torch.zeros(1, dtype=torch.float64)
    assert derivative(lambda: x[1:], x, (0,), x[1:]).shape == (0,)
