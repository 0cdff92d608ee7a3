"""Metrics of values come to scikit-learn's numbers, whole and in pieces."""

from math import isnan, nan

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import corenet as cn

SHAPES = st.sampled_from([(7,), (23,), (9, 1), (11, 3), (5, 2, 2)])


def drawn(shape, seed, offset=0.0):
    generator = torch.Generator().manual_seed(seed)
    target = torch.randn(shape, generator=generator, dtype=torch.float64) + offset
    return target + 0.3 * torch.randn(shape, generator=generator, dtype=torch.float64), target


def in_pieces(metric, output, target, size):
    metric.reset()
    for piece in zip(output.split(size), target.split(size), strict=True):
        metric.update(*piece)
    return metric.compute()


THEIRS = {
    cn.MAE: lambda scores, output, target: scores.mean_absolute_error(target, output),
    cn.RMSE: lambda scores, output, target: scores.mean_squared_error(target.ravel(), output.ravel()) ** 0.5,
    cn.R2: lambda scores, output, target: scores.r2_score(target, output),
}


@pytest.mark.parametrize("cls", THEIRS)
@settings(deadline=None, max_examples=30)
@given(shape=SHAPES, seed=st.integers(0, 999), size=st.integers(1, 8))
def test_they_are_scikit_learns(cls, shape, seed, size):
    scores = pytest.importorskip("sklearn.metrics")
    output, target = drawn(shape, seed)
    flat = [each.reshape(len(each), -1).numpy() for each in (output, target)]
    expected = THEIRS[cls](scores, *flat)
    assert cls()(output, target) == pytest.approx(expected, rel=1e-12)
    assert in_pieces(cls(), output, target, size) == pytest.approx(expected, rel=1e-12)


def test_they_are_right_by_hand():
    output, target = torch.tensor([1.0, 2.0, 6.0]), torch.tensor([2.0, 2.0, 2.0])
    assert cn.MAE()(output, target) == pytest.approx(5 / 3)
    assert cn.RMSE()(output, target) == pytest.approx((17 / 3) ** 0.5)
    target = torch.tensor([1.0, 3.0, 5.0])
    assert cn.R2()(output, target) == pytest.approx(1 - (0 + 1 + 1) / (4 + 0 + 4))


def test_r2_keeps_its_digits_far_from_zero():
    output, target = drawn((400,), 3, offset=1e7)
    near = cn.R2()(output - 1e7, target - 1e7)
    assert in_pieces(cn.R2(), output, target, 7) == pytest.approx(near, rel=1e-6)


@pytest.mark.parametrize(("output", "expected"), [([2.0, 2.0], 1.0), ([2.0, 2.5], 0.0)])
def test_r2_of_targets_that_are_all_the_same(output, expected):
    assert cn.R2()(torch.tensor(output), torch.tensor([2.0, 2.0])) == expected


def test_r2_of_one_point_is_no_number():
    assert isnan(cn.R2()(torch.tensor([1.0]), torch.tensor([2.0])))


@pytest.mark.parametrize("metric", [cn.MAE(), cn.RMSE(), cn.R2(), cn.MeanLoss()])
def test_of_no_points_there_is_no_number(metric):
    metric.reset()
    assert isnan(metric.compute())


@pytest.mark.parametrize("cls", THEIRS)
def test_nan_is_seen(cls):
    output, target = drawn((6,), 0)
    output[2] = nan
    assert isnan(cls()(output, target))


@pytest.mark.parametrize("cls", THEIRS)
def test_half_precision_is_measured_in_double(cls):
    output, target = (each.half() for each in drawn((3000,), 1))
    assert cls()(output, target) == pytest.approx(cls()(output.double(), target.double()), rel=1e-12)


@pytest.mark.parametrize("cls", THEIRS)
def test_shapes_that_would_broadcast_are_refused(cls):
    with pytest.raises(cn.ShapeError, match=rf"{cls.__name__} got \(4, 1\); expected the targets' shape \(4,\)"):
        cls()(torch.ones(4, 1), torch.ones(4))


def test_the_mean_loss_weighs_pieces_by_their_points():
    metric = cn.MeanLoss()
    metric.reset()
    metric.update(torch.tensor(2.0), torch.zeros(3, 2))
    metric.update(torch.tensor(6.0), torch.zeros(1, 2))
    assert metric.compute() == 3.0
