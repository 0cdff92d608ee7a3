"""What tables and figures call a contestant."""

from pathlib import Path

import pytest

pytest.importorskip("benchmarks")

from benchmarks import contestants
from benchmarks.labels import LABELS, label_of


def test_every_contestant_has_a_label_of_its_own():
    files = Path(contestants.__file__).parent.glob("*.py")
    assert set(LABELS) == {path.stem for path in files} - {"__init__"}
    assert len(set(LABELS.values())) == len(LABELS)


def test_an_engine_is_named_where_the_contestant_chose_it():
    assert label_of("corenet_fit", "replay") == "corenet fit, auto (replay)"
    assert label_of("corenet_plain", "plain") == "corenet fit, plain"
    assert label_of("corenet_replay", "plain") == "corenet fit, replay (plain)"  # it fell back
