"""Axes: where values stand, and the round numbers along them."""

import math
from itertools import pairwise

import pytest

from corenet.report.html.scale import Scale


@pytest.mark.parametrize(
    ("low", "high", "log"),
    [(0.2, 0.9, False), (-3.0, 5.0, False), (1e-4, 2.0, True), (0.0, 7.0, False), (2.0, 2.0, False), (0.0, 0.0, False)],
)
def test_the_ends_stand_within_and_the_round_numbers_too(low, high, log):
    scale = Scale.of(low, high)
    assert scale.log is log
    assert 0 <= scale.place(low) <= scale.place(high) <= 100
    numbers = scale.round(4)
    assert 2 <= len(numbers) <= 6
    assert all(-1e-6 <= scale.place(each) <= 100 + 1e-6 for each in numbers)


def test_an_axis_begins_at_zero_where_that_is_near():
    assert Scale.of(0.1, 0.9).low == 0
    assert Scale.of(0.8, 0.9).low == pytest.approx(0.796)


def test_round_numbers_are_one_two_or_five_times_a_power_of_ten():
    for span in (0.003, 0.7, 1.0, 13.0, 480.0, 6e5):
        numbers = Scale(0.0, span).round(4)
        step = numbers[1] - numbers[0]
        assert round(step / 10 ** math.floor(math.log10(step * 1.0001)), 6) in (1, 2, 5)


def test_equal_ratios_are_equally_far_on_a_logarithmic_axis():
    scale = Scale.of(1e-3, 10.0)
    places = [scale.place(10.0**power) for power in (-3, -2, -1, 0, 1)]
    assert {round(b - a, 6) for a, b in pairwise(places)} == {round(places[1] - places[0], 6)}
    assert scale.round(4)[0] == pytest.approx(1e-3)
