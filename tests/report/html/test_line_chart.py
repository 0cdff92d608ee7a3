"""Curves as paths: where the points stand, what a band spans, gaps, single epochs, many epochs."""

import math
import re

import pytest

from corenet.report.html.line_chart import MOST, Curve, LineChart
from corenet.report.html.scatter import Scatter


def points(path):
    return [tuple(map(float, pair)) for pair in re.findall(r"([\d.-]+) ([\d.-]+)", path)]


def test_a_line_goes_through_its_values():
    (line,) = LineChart.of("loss", [Curve("training", ([3.0, 1.0, 2.0],))]).lines
    (x0, first), (x1, lowest), (x2, last) = points(line.path)
    assert (x0, x1, x2) == (0, 50, 100)
    assert first < last < lowest  # an SVG counts from above
    assert (last - first) == pytest.approx(lowest - last, abs=0.2)
    assert line.band == ""


def test_a_band_reaches_from_the_least_round_to_the_largest():
    curve = Curve("runs", ([1.0, 3.0], [2.0, 4.0], [6.0, 5.0]))
    chart = LineChart.of("loss", [curve, Curve("bounds", ([1.0, 3.0],)), Curve("above", ([6.0, 5.0],))])
    runs, least, largest = chart.lines
    assert points(runs.band) == [*points(largest.path), *reversed(points(least.path))]
    middle = LineChart.of("loss", [Curve("mean", ([3.0, 4.0],)), curve]).lines
    assert middle[0].path == middle[1].path


def test_rounds_that_stopped_are_in_the_mean_no_more():
    ragged = LineChart.of("loss", [Curve("a", ([2.0], [4.0, 8.0])), Curve("b", ([3.0, 8.0],))])
    assert ragged.lines[0].path == ragged.lines[1].path


def test_a_line_is_broken_where_there_is_no_number():
    (line,) = LineChart.of("loss", [Curve("a", ([1.0, 2.0, None, math.inf, 3.0],))]).lines
    assert line.path.count("M") == 2
    assert line.path.endswith("h0")  # a lone point, drawn by its round ends


def test_no_value_is_no_drawing():
    assert LineChart.of("loss", [Curve("a", ([None, math.nan],))]) is None
    assert LineChart.of("loss", []) is None


def test_of_many_epochs_the_first_the_last_and_some_between_are_drawn():
    chart = LineChart.of("loss", [Curve("a", ([float(n) for n in range(5000)],))])
    drawn = points(chart.lines[0].path)
    assert len(drawn) == MOST
    assert (drawn[0][0], drawn[-1][0]) == (0, 100)
    assert [tick.text for tick in chart.across][-1] == "5000"


def test_a_mark_stands_at_its_epoch():
    chart = LineChart.of("loss", [Curve("a", ([3.0, 2.0, 1.0],))], mark=2)
    assert (chart.mark.place, chart.mark.text) == (50, "2")


def test_points_on_the_diagonal_are_predicted_right():
    drawn = Scatter.of([1.0, 5.0, 9.0], [1.0, 5.0, 2.0])
    first, second, third = points(drawn.path)
    assert sum(first) == pytest.approx(100)
    assert sum(second) == pytest.approx(100)
    assert sum(third) > 100  # below the line, which an SVG counts from above
    assert Scatter.of([math.nan], [1.0]) is None
