"""The benchmarks' Adam: every contestant trains by it, to the same weights."""

import pytest

pytest.importorskip("benchmarks")

from benchmarks.problem import Settings
from benchmarks.race import race


def refuse_others(*contestants):
    settings = Settings(epochs=2, optimizer="adam", lr=1e-3, tolerance=1e-4)
    rows = race(settings, contestants, 0)
    assert [row.skipped for row in rows] == [""] * len(rows)
    assert all(0 < row.error < settings.tolerance for row in rows)


@pytest.mark.usefixtures("in_process")
def test_each_contestant_of_corenet_trains_by_it():
    refuse_others("corenet_loop", "corenet_replay")


def test_each_contestant_of_jax_trains_by_it():
    pytest.importorskip("jax")
    refuse_others("jax_scan", "jax_step")
