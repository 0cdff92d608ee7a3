"""The figures of an experiment: which points, which curves, and over which square."""

from dataclasses import replace

import pytest
import torch

import corenet as cn
from corenet.data import Statistics
from corenet.experiments import experiment, run
from corenet.experiments.parts import Parts
from corenet.experiments.rounds import Round
from corenet.report.plots.experiment_figures import draw_figures, surface_of

PNG = b"\x89PNG\r\n\x1a\n"


def trained(targets, statistics=None):
    """Return a round whose model passes on the coordinates of a point."""
    points = torch.tensor([[0.1, 0.9], [0.8, 0.3]])
    model = cn.Sequential() if targets.shape[1] > 1 else cn.Linear(2, 1, init="zeros")
    data = cn.data.Dataset(points, targets)
    return Round(model, cn.MSELoss(), None, [], Parts(data, None, data, None, statistics))


@pytest.mark.parametrize(("low", "threshold"), [(0.0, 0.5), (-1.0, 0.0)])
def test_the_surface_of_one_column_is_the_output(low, threshold):
    round = trained(torch.tensor([[low], [1.0]]))
    round.model.weight.copy_(torch.tensor([[2.0, 1.0]]))
    made = surface_of(round)
    assert (made.threshold, made.low, made.high) == (threshold, low, 1.0)
    torch.testing.assert_close(made.output(torch.tensor([[0.1, 0.9], [0.5, 0.0]])), torch.tensor([1.1, 1.0]))


def test_the_surface_of_two_columns_is_the_second_less_the_first():
    made = surface_of(trained(torch.eye(2)))
    assert (made.threshold, made.low, made.high) == (0.0, -1.0, 1.0)
    torch.testing.assert_close(made.output(torch.tensor([[0.1, 0.9], [0.5, 0.0]])), torch.tensor([0.8, -0.5]))


def test_the_surface_is_over_raw_points():
    statistics = Statistics(torch.tensor([0.5, 0.5]), torch.tensor([0.1, 0.2]))
    made = surface_of(trained(torch.eye(2), statistics))
    torch.testing.assert_close(made.output(torch.tensor([[0.6, 0.9]])), torch.tensor([1.0]))


@pytest.fixture(scope="module")
def short():
    each = experiment("003a")
    return run(replace(each, better=replace(each.better, epochs=3)), rounds=2)


def test_the_three_figures(short, tmp_path):
    pytest.importorskip("matplotlib")
    paths = draw_figures(short, tmp_path)
    assert [path.name for path in paths] == [
        "003a-better-points.png",
        "003a-better-map.png",
        "003a-better-curves.png",
    ]
    assert all(path.read_bytes().startswith(PNG) for path in paths)
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_the_figures_show_the_test_points_in_raw_coordinates(short, tmp_path, monkeypatch):
    given = {}

    def note(name):
        def figure(path, *arguments):
            given[name] = arguments
            return path

        return figure

    for name in ("true_and_predicted", "output_map", "curves"):
        monkeypatch.setattr(f"corenet.report.plots.experiment_figures.figures.{name}", note(name))
    draw_figures(short, tmp_path)

    points, inside, predicted, title = given["true_and_predicted"]
    torch.testing.assert_close(points, cn.data.disk(1000, seed=1).inputs)
    assert torch.equal(inside, cn.data.disk(1000, seed=1).targets[:, 0].bool())
    error = short.test_error.values[0]
    assert (inside != predicted).float().mean().item() == pytest.approx(error, abs=2e-3)
    assert title == f"003a, better recipe, round 1 of 2: test error {error:.1%}"
    histories, title, reported = given["curves"]
    assert histories == [round.history for round in short.rounds]
    assert (title, reported) == ("003a, better recipe", {"train_error": 0.032, "test_error": 0.042})
    assert given["output_map"][0].threshold == 0.5
