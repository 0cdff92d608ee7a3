"""The figure of a search has a panel for the course and one for each entry, the best trial ringed."""

import pytest

pytest.importorskip("matplotlib")

from corenet.report.plots import search_figure as drawing


@pytest.fixture
def drawn(monkeypatch):
    """Keep the figures instead of writing them."""
    figures = []
    monkeypatch.setattr(drawing, "write_png", lambda figure, path: figures.append(figure) or path)
    return figures


def test_panels(drawn, tmp_path):
    values = [0.5, 0.02, 0.1]
    entries = {"lr": [1e-3, 0.1, 1.0], "activation": ["relu", "tanh", "relu"]}
    drawing.search_figure(tmp_path / "x.png", "three", "loss", values, entries, {"lr"})
    (figure,) = drawn
    course, rate, activation = figure.axes
    assert course.get_lines()[0].get_ydata().tolist() == [0.5, 0.02, 0.02]
    assert (course.get_yscale(), rate.get_xscale(), activation.get_xlabel()) == ("log", "log", "activation")
    points, ring = rate.collections
    assert points.get_offsets().tolist() == [[1e-3, 0.5], [0.1, 0.02], [1.0, 0.1]]
    assert ring.get_offsets().tolist() == [[0.1, 0.02]]


def test_a_metric_below_zero_is_drawn_as_it_is(drawn, tmp_path):
    drawing.search_figure(tmp_path / "x.png", "two", "−accuracy", [-0.5, -0.9], {"lr": [1, 2]}, set())
    assert drawn[0].axes[0].get_yscale() == "linear"


def test_it_is_written(tmp_path):
    path = drawing.search_figure(tmp_path / "x.png", "one", "loss", [1.0], {f"e{n}": [n] for n in range(4)}, set())
    assert path.read_bytes().startswith(b"\x89PNG")
