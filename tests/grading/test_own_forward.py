"""Whether a gradient is the derivative of what a student's own forward computes."""

import types

import numpy as np
import pytest

from corenet.grading.layers import layer
from corenet.grading.own_forward import follows_own_forward
from corenet.grading.points import points_of
from corenet.grading.written import written

TANH = layer("tanh")


def follows(forward, backward, textbook=TANH):
    space = types.ModuleType("student")
    space.forward, space.backward = forward, backward
    found = written(textbook, "numpy", space, alone=True)
    return follows_own_forward(textbook, found, points_of(textbook, "numpy")[1], "input")


@pytest.mark.parametrize("factor", [1.0, 1.0 + 1e-4])
def test_it_is_told_to_some_digits(factor):
    assert follows(lambda x: (np.sin(x), x), lambda g, x: factor * g * np.cos(x)) is (factor == 1.0)


def test_what_raises_follows_nothing():
    assert not follows(lambda x: (np.sin(x), x), lambda g, x: g * missing)  # noqa: F821


def test_a_random_layer_is_not_judged():
    dropout = layer("dropout")
    assert not follows(lambda x, *_: (x, None), lambda g, _: g, dropout)
