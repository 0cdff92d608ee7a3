"""Medians, start-up and break-even of a row, and its line in the table."""

import pytest

pytest.importorskip("benchmarks")

from benchmarks.row import Row
from benchmarks.table import markdown


def row(name="x", step=1e-4, **fields):
    return Row(name, "p", cpu=[step, step, 9.0], wall=[2 * step] * 3, first_steps=20, **fields)


def test_a_step_is_the_median_of_processor_time_on_one_thread_and_of_the_clock_on_more():
    assert row().step_seconds == 1e-4
    assert row(threads=2).step_seconds == 2e-4
    assert row().cores == 0.5


def test_start_up_is_the_import_and_what_the_first_steps_cost_beyond_others():
    assert row(import_seconds=1.0, first_seconds=3.002).startup_seconds == pytest.approx(4.0)


def test_break_even_is_where_the_faster_step_has_paid_for_the_longer_start():
    slow, fast = row(step=2e-4, first_seconds=4e-3), row(first_seconds=1.002)
    assert fast.break_even(slow) == pytest.approx(10_000)
    assert slow.break_even(fast) is None
    assert row(first_seconds=0.002).break_even(slow) == 0


def test_the_table_has_a_line_for_each_and_says_what_was_skipped():
    lines = markdown([row("slow", 2e-4), row("fast"), Row("gone", "p", skipped="No module named 'gone'")]).splitlines()
    assert lines[2].startswith("| slow | 200.0 | 1.00 |")
    assert lines[3].startswith("| fast | 100.0 | 2.00 |")
    assert lines[4].startswith("| gone | skipped: No module named 'gone' |")
    assert len({line.count("|") for line in lines}) == 1
