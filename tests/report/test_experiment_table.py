"""An outcome as a row, as a table, as Markdown, and as figures."""

import re
from dataclasses import replace
from io import StringIO

import pytest
import torch
from rich.console import Console

import corenet as cn
from corenet.data import Statistics
from corenet.experiments import experiment, run
from corenet.experiments.run import Measured, Outcome, Round
from corenet.report.experiment_table import COLUMNS, draw, machine, markdown, rows, surface, table

PNG = b"\x89PNG\r\n\x1a\n"


def outcome(recipe="better", test=(0.03, 0.05), **reported):
    each = replace(experiment("003a"), reported=reported)
    return Outcome(each, recipe, (), Measured((0.01, 0.02)), Measured(test), Measured((1.0, 2.0)))


MET = outcome(test_error=0.04)
MISSED = outcome(train_error=0.5, test_error=0.039)
UNREPORTED = outcome("reported", test=(0.25,))


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
    made = table([MET, MISSED, outcome("reported", test_error=0.0)])
    assert [row.style for row in made.rows] == [None, "red", None]


def test_the_table_shows_every_cell():
    console = Console(file=StringIO(), width=120)
    console.print(table([MISSED]))
    shown = console.file.getvalue()
    assert all(cell in shown for cell in (*COLUMNS, *rows([MISSED])[0]))


def test_the_machine_is_named():
    assert re.fullmatch(r"\S+, .+, Python 3\.\d+\.\d+\S*, torch \d+\.\d+\S*, \d{4}-\d\d-\d\d", machine())


def trained(targets, statistics=None):
    """Return a round whose model passes on the coordinates of a point."""
    points = torch.tensor([[0.1, 0.9], [0.8, 0.3]])
    model = cn.Sequential() if targets.shape[1] > 1 else cn.Linear(2, 1, init="zeros")
    return Round(model, [], statistics, cn.data.Dataset(points, targets))


@pytest.mark.parametrize(("low", "threshold"), [(0.0, 0.5), (-1.0, 0.0)])
def test_the_surface_of_one_column_is_the_output(low, threshold):
    round = trained(torch.tensor([[low], [1.0]]))
    round.model.weight.copy_(torch.tensor([[2.0, 1.0]]))
    made = surface(round)
    assert (made.threshold, made.low, made.high) == (threshold, low, 1.0)
    torch.testing.assert_close(made.output(torch.tensor([[0.1, 0.9], [0.5, 0.0]])), torch.tensor([1.1, 1.0]))


def test_the_surface_of_two_columns_is_the_second_less_the_first():
    made = surface(trained(torch.eye(2)))
    assert (made.threshold, made.low, made.high) == (0.0, -1.0, 1.0)
    torch.testing.assert_close(made.output(torch.tensor([[0.1, 0.9], [0.5, 0.0]])), torch.tensor([0.8, -0.5]))


def test_the_surface_is_over_raw_points():
    statistics = Statistics(torch.tensor([0.5, 0.5]), torch.tensor([0.1, 0.2]))
    made = surface(trained(torch.eye(2), statistics))
    torch.testing.assert_close(made.output(torch.tensor([[0.6, 0.9]])), torch.tensor([1.0]))


@pytest.fixture(scope="module")
def short():
    each = experiment("003a")
    return run(replace(each, better=replace(each.better, epochs=3)), rounds=2)


def test_the_three_figures(short, tmp_path):
    pytest.importorskip("matplotlib")
    paths = draw(short, tmp_path)
    assert [path.name for path in paths] == [
        "003a-better-points.png",
        "003a-better-map.png",
        "003a-better-curves.png",
    ]
    assert all(path.read_bytes().startswith(PNG) for path in paths)
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_the_figures_are_told_the_test_points_as_they_lie_in_the_square(short, tmp_path, monkeypatch):
    told = {}

    def note(name):
        def figure(path, *arguments):
            told[name] = arguments
            return path

        return figure

    for name in ("true_and_predicted", "output_map", "curves"):
        monkeypatch.setattr(f"corenet.report.experiment_table.figures.{name}", note(name))
    draw(short, tmp_path)

    points, inside, predicted, title = told["true_and_predicted"]
    torch.testing.assert_close(points, cn.data.disk(1000, seed=1).inputs)
    assert torch.equal(inside, cn.data.disk(1000, seed=1).targets[:, 0].bool())
    error = short.test_error.values[0]
    assert (inside != predicted).float().mean().item() == pytest.approx(error, abs=2e-3)
    assert title == f"003a, better recipe, round 1 of 2: test error {error:.1%}"
    histories, title, reported = told["curves"]
    assert histories == [round.history for round in short.rounds]
    assert (title, reported) == ("003a, better recipe", {"train_error": 0.032, "test_error": 0.042})
    assert told["output_map"][0].threshold == 0.5
