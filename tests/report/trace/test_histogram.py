"""A histogram: where its bars are."""

import math

import torch

from corenet.report.trace.histogram import HEIGHT, WIDTH, Bar, Histogram
from corenet.report.trace.tensor_summary import TensorSummary


def drawn(*values):
    return Histogram.of(TensorSummary.of(torch.tensor(values)))


def test_bars_stand_on_the_ground_and_the_most_frequent_value_reaches_the_top():
    found = drawn(-1.0, 2.0, 2.0)
    width = WIDTH / 24
    assert found.bars == (Bar(0, HEIGHT / 2, width - 1, HEIGHT / 2), Bar(23 * width, 0, width - 1, HEIGHT))
    assert (found.low, found.high, found.zero) == ("-1", "2", WIDTH / 3)


def test_a_rare_value_is_still_seen():
    assert drawn(*[0.0] * 1000, 1.0).bars[-1].height == 1


def test_zero_is_marked_only_within_the_range():
    assert [drawn(*values).zero for values in ((0.0, 1.0), (1.0, 2.0), (-2.0, -1.0))] == [None] * 3


def test_what_is_not_finite_or_empty_has_none():
    assert drawn(math.nan, 1.0) is None
    assert drawn() is None
