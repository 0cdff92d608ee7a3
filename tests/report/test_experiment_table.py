"""Results as rows, as a table, and as Markdown."""

from dataclasses import replace

import click
import pytest
from rich.cells import cell_len

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


def test_a_row_has_the_reported_figures_beside_the_measured_ones():
    assert rows([MET, MISSED, UNREPORTED]) == [
        ("003a", "better", "0.015 ± 0.007", "–", "0.040 ± 0.014", "0.040", "yes", "1.5 s"),
        ("003a", "better", "0.015 ± 0.007", "0.500", "0.040 ± 0.014", "0.039", "no", "1.5 s"),
        ("003a", "reported", "0.015 ± 0.007", "–", "0.250", "–", "–", "1.5 s"),
    ]
    assert COLUMNS == ("ID", "RECIPE", "TRAIN ERROR", "REPORTED", "TEST ERROR", "REPORTED", "MET", "TIME")


def test_markdown_is_a_table():
    assert markdown([UNREPORTED]).splitlines() == [
        "| ID | RECIPE | TRAIN ERROR | REPORTED | TEST ERROR | REPORTED | MET | TIME |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| 003a | reported | 0.015 ± 0.007 | – | 0.250 | – | – | 1.5 s |",
    ]


def test_a_better_recipe_that_misses_its_report_is_red():
    lines = experiment_table([MET, MISSED, result("reported", test_error=0.0)], width=100)
    assert ["\x1b[31m" in line for line in lines] == [False, False, True, False]


@pytest.mark.parametrize("width", [60, 80, 100])
def test_every_cell_is_shown_at_every_width(width):
    lines = [click.unstyle(line) for line in experiment_table([MISSED, UNREPORTED], width)]
    assert all(cell_len(line) <= width for line in lines)
    shown = "\n".join(lines)
    assert all(cell in shown for cell in (*COLUMNS, *rows([MISSED])[0], *rows([UNREPORTED])[0]))
    assert len(lines) == (3 if width >= 80 else 2 * len(COLUMNS) + 1)
