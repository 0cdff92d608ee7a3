import math
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch

import corenet as cn
from corenet.data import DISK_RADIUS
from corenet.history import Epoch, History
from corenet.report.plots.decision_surface import DecisionSurface
from corenet.report.plots.figures import MOST_POINTS, _thinned, curves, output_map, true_and_predicted
from corenet.report.plots.style import INK, INSIDE, OUTSIDE, new_figure, write_png

matplotlib = pytest.importorskip("matplotlib")
from matplotlib.colors import to_rgb  # noqa: E402 - only where matplotlib is
from matplotlib.image import imread  # noqa: E402

TRUE_DISK = DecisionSurface(lambda points: ((points - 0.5).norm(dim=1) < DISK_RADIUS).float(), 0.5, 0.0, 1.0)


def read(path):
    """Return the picture as (height, width, 3), without the transparency that a white page has none of."""
    pixels = torch.from_numpy(imread(path))
    assert (pixels[..., 3] == 1).all()
    return pixels[..., :3]


def near(pixels, colour, tolerance=0.02):
    return ((pixels - torch.tensor(to_rgb(colour))).abs() < tolerance).all(-1)


def dark(pixels):
    return (pixels < 0.5).all(-1)


def blend(colour, alpha):
    return tuple(1 - alpha * (1 - part) for part in to_rgb(colour))


class Square:
    """The unit square in a picture of a map: pixels by coordinates."""

    def __init__(self, pixels):
        self.pixels = pixels[:, : int(0.84 * pixels.shape[1])]  # without the colour bar
        coloured = near(self.pixels, OUTSIDE) | near(self.pixels, INSIDE)
        rows, columns = coloured.sum(1) > 100, coloured.sum(0) > 100  # without the words beneath
        self.top, self.bottom = rows.nonzero()[[0, -1], 0].tolist()
        self.left, self.right = columns.nonzero()[[0, -1], 0].tolist()

    def at(self, x, y):
        row = self.bottom + y * (self.top - self.bottom)
        column = self.left + x * (self.right - self.left)
        return self.pixels[round(row), round(column)]

    def dark_near(self, points):
        return any(dark(self.at(x, y)) for x, y in points)


def test_the_map_separates_inside_from_outside(tmp_path):
    path = output_map(tmp_path / "map.png", TRUE_DISK, "the disk")
    pixels = read(path)
    assert pixels.shape == (900, 960, 3)
    square = Square(pixels)
    assert square.bottom - square.top == pytest.approx(square.right - square.left, abs=3)
    for x, y in ((0.5, 0.5), (0.2, 0.5), (0.5, 0.85)):
        assert near(square.at(x, y), INSIDE)
    for x, y in ((0.05, 0.05), (0.95, 0.95), (0.05, 0.95), (0.05, 0.5)):
        assert near(square.at(x, y), OUTSIDE)


def across_circle(directions):
    """Return for each direction some points just within, on and just beyond the true circle."""
    for index in range(directions):
        angle = 2 * math.pi * index / directions
        radii = [DISK_RADIUS + offset / 1000 for offset in (-1.5, 0, 1.5)]
        yield [(0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)) for radius in radii]


def test_the_map_has_the_decision_line_where_the_class_flips_and_the_true_circle_dashed(tmp_path):
    surface = DecisionSurface(lambda points: 4 * points[:, 1] - 3, 0.0, -1.0, 1.0)
    square = Square(read(output_map(tmp_path / "map.png", surface, "a slope upwards")))
    assert near(square.at(0.02, 0.99), INSIDE, 0.05)
    assert near(square.at(0.02, 0.01), OUTSIDE)
    assert all(square.dark_near([(x / 20, 0.75), (x / 20, 0.752)]) for x in range(1, 20))
    assert not square.dark_near([(0.05, y / 100) for y in range(60, 73)])
    drawn = sum(map(square.dark_near, across_circle(200))) / 200
    assert 0.5 < drawn < 0.95


def test_the_map_of_a_model_of_one_class_has_no_decision_line(tmp_path):
    surface = DecisionSurface(lambda points: points[:, 0] * 0 + 2, 0.5, 0.0, 1.0)
    pixels = read(output_map(tmp_path / "map.png", surface, "always inside"))
    assert not near(pixels[:, :800], OUTSIDE).any()
    assert near(pixels[:, :800], INSIDE).float().mean() > 0.5
    legend = dark(pixels[830:]).any(0).nonzero()[:, 0]
    assert legend[-1] - legend[0] < 250  # the true circle alone


@cache
def scattered(*predicted):
    """Return left and right half of the figure of four points, two of them inside."""
    points = torch.tensor([[0.5, 0.5], [0.3, 0.5], [0.05, 0.05], [0.95, 0.05]], dtype=torch.float64)
    true = torch.tensor([True, True, False, False])
    with TemporaryDirectory() as folder:
        path = true_and_predicted(Path(folder, "points.png"), points, true, torch.tensor(predicted), "four points")
        pixels = read(path)[:760]  # without the legend
    assert pixels.shape == (760, 1500, 3)
    return pixels[:, :760], pixels[:, 760:]


def test_points_have_the_colour_of_their_class():
    right_ones = [
        near(half, colour).sum() for half in scattered(True, True, False, False) for colour in (INSIDE, OUTSIDE)
    ]
    assert min(right_ones) > 40
    left, right = scattered(True, True, True, True)
    assert near(left, OUTSIDE).sum() > 40
    assert near(right, OUTSIDE).sum() == 0
    assert near(right, INSIDE).sum() > 1.8 * near(left, INSIDE).sum()


def test_wrong_points_are_ringed_in_the_right_panel_only():
    def ink(half):  # the middle of the panel, where there is neither circle nor frame
        return dark(half[330:480, 200:580]).sum().item()

    assert [ink(half) for half in scattered(True, True, False, False)] == [0, 0]
    left, right = scattered(False, True, False, False)
    assert ink(left) == 0
    assert ink(right) > 50


@pytest.mark.parametrize(
    ("points", "true", "predicted", "message"),
    [
        ((4, 3), (4,), (4,), r"true_and_predicted got \(4, 3\); expected points \(N, 2\)"),
        ((4, 2), (4, 1), (4,), r"true_and_predicted, true got \(4, 1\); expected \(4,\)"),
        ((4, 2), (4,), (3,), r"true_and_predicted, predicted got \(3,\); expected \(4,\)"),
    ],
)
def test_points_and_classes_that_do_not_fit_are_refused(tmp_path, points, true, predicted, message):
    with pytest.raises(cn.ShapeError, match=message):
        true_and_predicted(tmp_path / "x.png", torch.rand(points), torch.ones(true), torch.ones(predicted), "misfit")
    assert list(tmp_path.iterdir()) == []


def rounds(*rates, epochs=20, loss=0.5, valid=None):
    """Return a history for each constant training error rate."""
    return [
        History(
            [
                Epoch(e, loss, 0.1, 0.01, {"error_rate": rate}, {"error_rate": valid} if valid else {})
                for e in range(1, epochs + 1)
            ]
        )
        for rate in rates
    ]


class ErrorPanel:
    """The lower panel of a picture of curves: rows of pixels by error rates."""

    def __init__(self, path):
        pixels = read(path)
        assert pixels.shape == (1050, 1125, 3)
        frame = (dark(pixels).float().mean(1) > 0.75).nonzero()[:, 0].tolist()
        edges = [row for row in frame if row - 1 not in frame]
        self.top, self.bottom = edges[-2:]
        columns = (dark(pixels[self.top : self.bottom]).float().mean(0) > 0.9).nonzero()[:, 0]
        self.left, self.right = columns[[0, -1]].tolist()
        self.pixels = pixels

    def row(self, rate):
        def height(rate):  # linear up to 1 %, logarithmic above, smooth where they meet
            return rate / 0.01 if rate <= 0.01 else 1 + math.log(rate / 0.01)

        lowest = height(-0.001)
        return self.bottom + (height(rate) - lowest) / (height(1) - lowest) * (self.top - self.bottom)

    def rows(self, colour):
        """Return the first and the last row of this colour in a column in the left half, where no legend is."""
        return near(self.pixels[:, self.left + 200], colour).nonzero()[[0, -1], 0].tolist()

    def darkness(self, rate):
        """Return how much of the width is dark at this error rate."""
        row = round(self.row(rate))
        return dark(self.pixels[row - 1 : row + 2, self.left + 10 : self.right - 10]).any(0).float().mean().item()


@cache
def drawn(*rates, reported=(), **options):
    """Return the error panel of the curves of such rounds; tests that look at the same curves share them."""
    with TemporaryDirectory() as folder:
        return ErrorPanel(curves(Path(folder, "curves.png"), rounds(*rates, **options), "x", dict(reported)))


def test_the_error_line_is_the_mean_over_rounds():
    panel = drawn(0.1, 0.3)
    first, last = panel.rows(OUTSIDE)
    assert (first + last) / 2 == pytest.approx(panel.row(0.2), abs=2)


def test_the_band_reaches_one_standard_deviation_to_each_side():
    panel = drawn(0.1, 0.3)
    sigma = torch.tensor([0.1, 0.3]).std().item()
    top, bottom = panel.rows(blend(OUTSIDE, 0.25))
    assert top == pytest.approx(panel.row(0.2 + sigma), abs=2)
    assert bottom == pytest.approx(panel.row(0.2 - sigma), abs=2)


def test_one_round_has_no_band():
    panel = drawn(0.1)
    assert near(panel.pixels, blend(OUTSIDE, 0.25), 0.01).sum() < 20  # but for the soft edges of letters and lines


def test_the_reported_test_error_is_a_dashed_line():
    reported = drawn(0.1, reported=(("test_error", 0.04), ("train_error", 0.2)))
    assert 0.5 < reported.darkness(0.04) < 0.95
    assert reported.darkness(0.2) < 0.05
    assert drawn(0.1).darkness(0.04) < 0.05


def test_test_points_are_drawn_where_there_are_any():
    with_test = drawn(0.1, valid=0.02)
    first, last = with_test.rows(INSIDE)
    assert (first + last) / 2 == pytest.approx(with_test.row(0.02), abs=2)
    assert not near(drawn(0.1).pixels, INSIDE).any()


@pytest.mark.parametrize("loss", [0.0, -1.0, 1e-12, 1e12])
def test_any_finite_loss_and_an_error_of_zero_can_be_drawn(loss):
    panel = drawn(0.0, 0.0, loss=loss)
    first, last = panel.rows(OUTSIDE)
    assert (first + last) / 2 == pytest.approx(panel.row(0), abs=2)


def test_one_epoch_can_be_drawn(tmp_path):
    assert curves(tmp_path / "curves.png", rounds(0.1, epochs=1), "x", None).is_file()


def test_long_trainings_are_thinned_out_with_both_ends_kept():
    drawn = _thinned(rounds(0.1, 0.2, epochs=10_000))
    assert [len(epochs) for epochs in drawn] == [MOST_POINTS] * 2
    assert (drawn[0][0].epoch, drawn[0][-1].epoch) == (1, 10_000)
    steps = {after.epoch - before.epoch for before, after in zip(drawn[0], drawn[0][1:], strict=False)}
    assert steps <= {10, 11}
    assert [epoch.epoch for epoch in _thinned(rounds(0.1, epochs=7))[0]] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        ([], r"lengths \[\]"),
        ([History()], r"lengths \[0\]"),
        (rounds(0.1, epochs=3) + rounds(0.1, epochs=2), r"lengths \[2, 3\]"),
        ([History([Epoch(1, 0.5, 0.1, 0.01)])], "needs the metric error_rate"),
    ],
)
def test_histories_that_make_no_curves_are_refused(tmp_path, histories, message):
    with pytest.raises(cn.DataError, match=message):
        curves(tmp_path / "curves.png", histories, "x", None)
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(cn.OutputError, match="choose a folder that exists and is writable"):
        output_map(tmp_path / "missing" / "map.png", TRUE_DISK, "no such folder")
    with pytest.raises(cn.OutputError, match="cannot write"):
        write_png(new_figure("a folder is in the way", 1, 1), tmp_path / "taken")
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


def test_drawing_leaves_no_global_state(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # importing it now fails
    before = dict(matplotlib.rcParams.copy())
    output_map(tmp_path / "map.png", TRUE_DISK, "the disk")
    curves(tmp_path / "curves.png", rounds(0.1), "one round", None)
    assert dict(matplotlib.rcParams.copy()) == before


def test_titles_may_hold_what_formulas_need(tmp_path):
    title = r"003a $\frac$ 2→25→25→1_, σ² × ½ − η′ " + "a title too long for a line " * 4
    assert output_map(tmp_path / "map.png", TRUE_DISK, title).is_file()


def test_ink_is_distinct_from_both_classes():
    """The tests above look for dark pixels: neither class may be one."""
    assert [dark(torch.tensor(to_rgb(colour))).item() for colour in (INK, INSIDE, OUTSIDE)] == [True, False, False]
