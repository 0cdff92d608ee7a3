"""The objectives have the gradients they say they have, and trajectories are the same each time."""

import pytest
import torch

import corenet as cn
from corenet.testing.support.trajectory import SHAPES, descend, follow, quadratic, rosenbrock, start, weights_of


@pytest.mark.parametrize("objective", [quadratic, rosenbrock])
def test_the_gradient_is_that_of_the_value(objective):
    weights = [torch.tensor([[-1.2, 1.0], [0.5, 2.0]], dtype=torch.float64)]
    (gradient,) = objective(weights)[1]
    for place in range(4):
        sides = []
        for step in (1e-6, -1e-6):
            moved = weights[0].clone()
            moved.view(-1)[place] += step
            sides.append(objective([moved])[0])
        assert gradient.view(-1)[place] == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-6)


def test_rosenbrocks_valley_ends_at_one_and_one():
    assert rosenbrock([torch.ones(2)]) == (0.0, [pytest.approx(torch.zeros(2))])


def test_a_start_has_a_matrix_a_vector_and_a_number_away_from_zero():
    assert tuple(tuple(each.shape) for each in start()) == SHAPES
    assert min(each.abs().min() for each in start()) >= 0.5
    assert all(each.dtype == torch.float32 for each in start(dtype=torch.float32))


def test_plain_descent_on_a_quadratic_is_known_in_closed_form():
    weight = cn.Parameter(torch.tensor([2.0], dtype=torch.float64))  # curvature ½, so each step takes 1 − 0.1 · ½ of it
    before, after = descend(cn.SGD([weight], lr=0.1), quadratic, 3)
    assert before == 1.0
    assert after == pytest.approx(0.25 * (2 * 0.95**3) ** 2)


def test_a_trajectory_continues_where_an_earlier_one_ended():
    whole, parts = (cn.SGD(start(), lr=0.1, momentum=0.9) for _ in range(2))
    trajectory = follow(whole, 6)
    assert len(trajectory) == 6
    for found, expected in zip(follow(parts, 2) + follow(parts, 4, 2), trajectory, strict=True):
        assert torch.equal(found, expected)
    assert torch.equal(weights_of(whole), trajectory[-1])
