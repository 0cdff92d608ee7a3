"""Where layers are tried: odd sizes, several magnitudes, upstream gradients that are not one."""

import numpy as np
import pytest

from corenet.grading.layers import NAMES, layer
from corenet.grading.points import points_of
from corenet.grading.textbook import fresh


def rows(point):
    return len(next(iter(point.arguments.values())))


@pytest.mark.parametrize("name", NAMES)
def test_there_are_several_sizes_and_no_upstream_of_ones(name):
    points = points_of(layer(name), "numpy")
    assert [rows(point) for point in points[:3]] == list(layer(name).rows)
    assert all(not (point.upstream == 1).any() for point in points)
    assert len({float(np.abs(point.upstream).max()) for point in points}) == len(points)


@pytest.mark.parametrize("name", NAMES)
def test_they_are_the_same_each_time(name):
    first, again = points_of(layer(name), "numpy"), points_of(layer(name), "numpy")
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.upstream, other.upstream)
        for given, repeated in zip(fresh(one).values(), fresh(other).values(), strict=True):
            assert isinstance(given, np.random.Generator) or np.array_equal(given, repeated)


@pytest.mark.parametrize("name", ["mse", "cross_entropy"])
def test_the_upstream_of_a_loss_is_one_in_the_module_style_alone(name):
    assert {float(point.upstream) for point in points_of(layer(name), "module")} == {1.0}


def test_large_inputs_are_of_either_sign():
    (large,) = [point for point in points_of(layer("softmax"), "numpy") if point.kind == "large"]
    assert large.arguments["input"].min() == -800.0
    assert large.arguments["input"].max() == 800.0


def test_a_point_has_another_eps_or_p():
    assert [point.arguments["eps"] for point in points_of(layer("layernorm"), "numpy")] == [1e-5] * 5 + [0.3]
    assert [point.arguments["p"] for point in points_of(layer("dropout"), "numpy")] == [0.75] * 5 + [0.5, 0.75]


def test_fresh_arguments_are_copies_and_generators_begin_anew():
    point = points_of(layer("dropout"), "numpy")[1]
    first, second = fresh(point), fresh(point)
    assert first["random"].random() == second["random"].random()
    first["input"][:] = 0
    assert second["input"].all()
