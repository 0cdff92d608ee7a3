"""Figures name contestants in plain words."""

from pathlib import Path

import pytest

import benchmarks.contestants
from benchmarks.figure import bars
from benchmarks.labels import LABELS
from benchmarks.report import Report
from benchmarks.row import Row


def test_every_contestant_has_a_label_of_its_own():
    files = Path(benchmarks.contestants.__file__).parent.glob("*.py")
    assert set(LABELS) == {path.stem for path in files if path.stem != "__init__"}
    assert len(set(LABELS.values())) == len(LABELS)
    assert not [label for label in LABELS.values() if label in LABELS]


def test_bars_are_labelled_and_corenets_have_a_colour_of_their_own():
    pytest.importorskip("matplotlib")
    rows = [
        Row(name, "p", cpu=[time], wall=[time]) for name, time in (("torch_eager", 3e-4), ("corenet_compiled", 3e-5))
    ]
    (axes,) = bars(Report("x", "X", races={"p": rows})).axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["PyTorch, eager", "corenet fit, compiled"]
    assert len({bar.get_facecolor() for bar in axes.patches}) == 2
