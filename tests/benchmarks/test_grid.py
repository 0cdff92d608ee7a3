"""The grid: the sizes that it has, and what becomes of a contestant that fails at one."""

import pytest

pytest.importorskip("benchmarks")

from benchmarks import race as racing
from benchmarks.labels import LABELS
from benchmarks.race import Survey, race
from benchmarks.row import Row
from benchmarks.workloads import grid

SIZES = {
    "width": ({25, 4096}, lambda settings: max(settings.widths)),
    "depth": ({1, 12}, lambda settings: len(settings.widths) - 1),
    "batch": ({1, 8192}, lambda settings: settings.batch_size),
    "width with Adam": ({25, 4096}, lambda settings: max(settings.widths)),
}


@pytest.mark.parametrize("axis", SIZES)
def test_each_axis_reaches_from_end_to_end(axis):
    ends, of = SIZES[axis]
    found = [(value, settings) for name, value, settings in grid.networks() if name == axis]
    values = [value for value, _ in found]
    assert {min(values), max(values)} == ends
    assert values == [of(settings) for _, settings in found]
    assert len(values) >= 5
    assert {settings.optimizer for _, settings in found} == {"adam" if "Adam" in axis else "sgd"}


def test_a_turn_is_long_where_a_step_is_short_and_never_long_in_time():
    for _, _, settings in grid.networks():
        steps = settings.epochs * settings.steps
        products = sum(one * other for one, other in zip(settings.widths, settings.widths[1:], strict=False))
        assert settings.epochs >= 2  # the first has the start of everything
        assert steps == grid.STEPS or steps * products * settings.batch_size < 3 * grid.PRODUCTS


@pytest.fixture
def raced(monkeypatch):
    """Races that are not run: the times are the contestants' places; JAX fails at wide networks, and with Adam."""
    seen = []

    def fake(settings, contestants, seconds, survey):
        seen.append(settings)
        rows = [Row(name, settings.name, cpu=[place], wall=[place]) for place, name in enumerate(contestants, start=1)]
        if max(settings.widths) > 100 or settings.optimizer == "adam":
            rows[1] = Row(contestants[1], settings.name, skipped="it trained another network")
        return rows

    monkeypatch.setattr(grid, "race", fake)
    return seen


def test_a_network_of_many_axes_is_raced_once(raced):
    report = grid.run(0, "cpu")
    assert len(raced) == len(set(raced)) == len(report.races) - 2
    assert len(report.races) == len(list(grid.networks()))


def test_the_figure_leaves_out_what_was_skipped(raced):
    pytest.importorskip("matplotlib")
    width, *_, adam = grid.draw(grid.run(0, "cpu")).axes
    lines = {line.get_label(): line for line in width.get_lines()}
    assert list(lines) == [LABELS[name] for name in grid.CONTESTANTS]
    assert list(lines[LABELS["jax_scan"]].get_xdata()) == [25, 64]
    assert list(lines[LABELS["corenet_replay"]].get_xdata()) == list(grid.WIDTHS)
    assert list(lines[LABELS["corenet_replay"]].get_ydata()) == [pytest.approx(1 / 5)] * len(grid.WIDTHS)
    assert adam.get_xlabel() == "width with Adam"
    assert LABELS["jax_scan"] not in [line.get_label() for line in adam.get_lines()]
    assert all(line.get_color() == lines[line.get_label()].get_color() for line in adam.get_lines())


@pytest.mark.usefixtures("in_process")
def test_in_a_survey_another_network_is_a_row_that_says_so(settings, monkeypatch):
    planted = racing.check

    def moved(process, settings, path, expected, row):
        if row.contestant == "corenet_loop":
            expected.first[2][0, 3, 4] += 1e-3
        planted(process, settings, path, expected, row)

    monkeypatch.setattr(racing, "check", moved)
    good, bad = race(settings, ("corenet_plain", "corenet_loop"), 0, Survey())
    assert "differ from those of torch.nn" in bad.skipped
    assert bad.wall == []
    assert good.skipped == ""
    assert len(good.wall) == racing.CHUNKS


def test_of_epochs_that_are_told_the_middle_one_counts_and_else_all(settings):
    class Told:
        def run(self, epochs):
            return {"wall": 10.0, "cpu": 8.0, "epochs": [7.0, 1.0]}

    for only_steps, wall, cpu in ((True, 2, 2), (False, 10, 8)):
        row = Row("x", "p")
        racing.measure(Told(), row, settings, 2, only_steps=only_steps)
        assert row.wall == [wall / 20]
        assert row.cpu == [cpu / 20]
