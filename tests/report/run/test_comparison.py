"""Runs side by side: what differs, what came of each, in lines that fit."""

import re

import pytest

from corenet.experiments.experiment import of_table
from corenet.experiments.train_run import train_run
from corenet.report.run.charts import curves_over
from corenet.report.run.comparison import Comparison, comparison_table
from corenet.report.run.comparison_page import compared
from corenet.report.run.figures import differences, duration
from corenet.text_width import display_width

pytest.importorskip("polars", reason="runs are of tables, which polars reads")


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    """Return two runs on iris that differ in rate, width and rounds."""
    folder = tmp_path_factory.mktemp("iris")
    changes = {
        "slow": ["optimizer.lr=0.001"],
        "fast": ["optimizer.lr=0.05", "network.hidden=[8, 4]", "rounds=2"],
    }
    return {name: train_run(of_table("iris", ["epochs=4", *each]), folder / name) for name, each in changes.items()}


def test_only_what_differs_is_told(iris):
    assert differences(list(iris.values())) == {
        "network.hidden": ["64", "8, 4"],
        "optimizer.lr": ["0.001", "0.05"],
        "rounds": ["1", "2"],
    }
    assert differences([iris["slow"]] * 2) == {}


def test_columns_of_other_data_are_no_difference_by_themselves(iris, runs):
    found = differences([iris["slow"], runs["people"]])
    assert found["data.source"][0] == "iris"
    assert not [name for name in found if name.startswith("data.columns")]


def test_a_line_for_each_run_has_its_metrics(iris):
    lines = comparison_table(Comparison.of(iris), width=200)
    assert lines[0].split()[:4] == ["RUN", "NETWORK.HIDDEN", "OPTIMIZER.LR", "ROUNDS"]
    accuracy = iris["slow"].results["metrics"]["test"]["accuracy"]
    assert lines[1].split()[:4] == ["slow", "64", "0.001", "1"]
    assert f"{accuracy:.3f}" in lines[1].split()
    assert "±" in lines[2]


@pytest.mark.parametrize("width", [80, 40, 24])
def test_it_fits_the_terminal(iris, width):
    lines = comparison_table(Comparison.of(iris), width=width)
    assert max(map(display_width, lines)) <= width
    assert "0.001" in "\n".join(lines)


def test_the_page_has_both_runs_as_curves_and_the_rounds_as_a_band(iris):
    text = compared(Comparison.of(iris))
    assert len(re.findall(r'class="curve c\d', text)) == 2 * len(curves_over(iris))
    assert curves_over(iris)[0].title == "loss, validation"
    assert all(chart.lines[0].band == "" and chart.lines[1].band for chart in curves_over(iris))
    assert "<td>0.05</td>" in text


def test_a_time_is_said_as_a_person_would():
    assert [duration(each) for each in (0, 59.96, 60, 3600, 90000)] == [
        "0.00 s",
        "60.0 s",
        "1 min 0 s",
        "1 h 0 min",
        "25 h 0 min",
    ]
