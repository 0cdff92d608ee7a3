"""Results as rows, as a table, and as Markdown."""

from dataclasses import replace

import click
import pytest
from rich.cells import cell_len

import corenet as cn
from corenet.experiments import experiment
from corenet.experiments.run import ExperimentResult, Measured
from corenet.report.experiment_table import COLUMNS, experiment_table, markdown, rows


def result(recipe="better", test=(0.03, 0.05), **reported):
    each = replace(experiment("003a"), reported=reported)
    measured = {"train_error": Measured((0.01, 0.02)), "test_error": Measured(test), "seconds": Measured((1.0, 2.0))}
    return ExperimentResult(each, recipe, (), measured)


MET = result(test_error=0.04)
MISSED = result(train_error=0.5, test_error=0.039)
UNREPORTED = result("reported", test=(0.25,))


def test_a_row_has_a_figure_beside_the_reported_one():
    assert rows([MET, MISSED, UNREPORTED]) == [
        ("003a", "better", "train error", "0.015 ± 0.007", "–", "–", "1.5 s"),
        ("003a", "better", "test error", "0.040 ± 0.014", "0.040", "yes", "1.5 s"),
        ("003a", "better", "train error", "0.015 ± 0.007", "0.500", "yes", "1.5 s"),
        ("003a", "better", "test error", "0.040 ± 0.014", "0.039", "no", "1.5 s"),
        ("003a", "reported", "train error", "0.015 ± 0.007", "–", "–", "1.5 s"),
        ("003a", "reported", "test error", "0.250", "–", "–", "1.5 s"),
    ]
    assert COLUMNS == ("ID", "RECIPE", "FIGURE", "MEASURED", "REPORTED", "MET", "TIME")


def test_a_figure_of_values_is_held_to_its_own_side():
    each = replace(experiment("003a"), reported={"test_r2": 0.4})
    r2 = {"test_r2": Measured((0.41,)), "seconds": Measured((1.0,))}
    assert rows([ExperimentResult(each, "better", (), r2)]) == [
        ("003a", "better", "test r2", "0.410", "0.400", "yes", "1.0 s")
    ]
    assert ExperimentResult(each, "better", (), r2 | {"test_r2": Measured((0.39,))}).met is False


def test_a_reported_figure_that_is_not_measured_is_named():
    each = replace(experiment("003a"), reported={"test_r2": 0.4})
    with pytest.raises(cn.ConfigError, match="003a: test_r2 is reported and not measured; measured are test_error"):
        _ = ExperimentResult(each, "better", (), {"test_error": Measured((0.1,))}).met


def test_markdown_is_a_table():
    assert markdown([UNREPORTED]).splitlines() == [
        "| ID | RECIPE | FIGURE | MEASURED | REPORTED | MET | TIME |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| 003a | reported | train error | 0.015 ± 0.007 | – | – | 1.5 s |",
        "| 003a | reported | test error | 0.250 | – | – | 1.5 s |",
    ]


def test_a_figure_that_a_better_recipe_misses_is_red():
    lines = experiment_table([MET, MISSED, result("reported", test_error=0.0)], width=100)
    assert ["\x1b[31m" in line for line in lines] == [False, False, False, False, True, False, False]


def test_what_the_rows_of_a_result_share_is_said_once():
    first, second = experiment_table([UNREPORTED], width=100)[1:]
    assert first.split()[:4] == ["003a", "reported", "train", "error"]
    assert second.split() == ["test", "error", "0.250", "–", "–"]


@pytest.mark.parametrize("width", [50, 80, 100])
def test_every_cell_is_shown_at_every_width(width):
    lines = [click.unstyle(line) for line in experiment_table([MISSED, UNREPORTED], width)]
    assert all(cell_len(line) <= width for line in lines)
    shown = "\n".join(lines)
    assert all(cell in shown for row in (COLUMNS, *rows([MISSED, UNREPORTED])) for cell in row)
    assert len(lines) == (5 if width >= 80 else 4 * len(COLUMNS) + 3)
