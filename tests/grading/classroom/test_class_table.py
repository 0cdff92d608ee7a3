"""The table of a class, in 80 cells, and the same in numbers."""

import random

import pytest

from corenet.grading.classroom.class_table import class_table, histogram, summary
from corenet.grading.classroom.row import Row
from corenet.text_width import display_width


def test_the_table_of_a_small_class(small_class, titles):
    text = "\n".join(class_table(small_class, titles))
    assert text.startswith("3 submissions: 1.3 of 4 points in the mean, 0.0 the median\n\nPOINTS     STUDENTS\n")
    assert "0 – 0.4           2  ██\n" in text
    assert "3.6 – 4           1  █\n" in text
    assert "STUDENTS  MISCONCEPTION  LAYERS\n       1  a wrong sign   linear\n" in text
    assert "       1  linear.forward  the forward\n" in text
    assert "NOT GRADED IN FULL  POINTS  REASON\neve                      0  took longer than 10 s\n" in text
    assert text.endswith("REFUSED  WHAT THE SUBMISSION TRIED TO\neve      reach the network")


def test_a_class_without_a_fault_has_points_alone(row, titles):
    lines = class_table([row("alice", relu={"forward": None})], titles)
    assert lines[0] == "1 submission: 2.0 of 2 points in the mean, 2.0 the median"
    assert len(lines) == 13


def test_no_line_is_wider_than_80_cells(row, titles):
    layers = {name * 12: {"gradient_of_something" * 2: "wrong_axis"} for name in ("one", "two", "three")}
    rows = [row("層" * 40, error="an error " * 30, refusals=("read /a/b" * 20,), **layers) for _ in range(3)]
    assert max(map(display_width, class_table(rows, titles))) <= 80


def test_what_a_student_wrote_cannot_steer_the_terminal(row, titles):
    text = "\n".join(class_table([row("a\x1b[2J", error="b\x1b]0;x\x07\u202e", relu={"x": "c\x1b[31m"})], titles))
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_summary_counts_students_not_checks(row):
    rows = [
        row("alice", linear={"a": "wrong_sign", "b": "wrong_sign"}, relu={"a": "wrong_sign"}),
        row("bob", linear={"a": "wrong_axis"}, relu={"a": None}),
        row("carol", linear={"a": "wrong_axis"}, relu={"a": "wrong_axis"}),
    ]
    found = summary(rows)
    assert found["misconceptions"] == [
        {"misconception": "wrong_axis", "students": 2, "layers": ["linear", "relu"]},
        {"misconception": "wrong_sign", "students": 1, "layers": ["linear", "relu"]},
    ]
    assert found["failed_checks"] == {"linear.a": 3, "relu.a": 2, "linear.b": 1}
    assert (found["submissions"], found["with_error"], found["out_of"]) == (3, 0, 6.0)
    assert found["mean"] == pytest.approx(2 / 3)


def test_every_student_is_in_one_tenth():
    out_of = random.uniform(0.1, 50)
    rows = [Row("a", "a.py", out_of * random.random(), out_of) for _ in range(random.randrange(1, 200))]
    counts = histogram(rows)
    assert sum(counts) == len(rows)
    assert counts[3] == sum(0.3 <= row.points / out_of < 0.4 for row in rows)


def test_an_assignment_without_points_is_in_the_first():
    assert histogram([Row("a", "a.py", 0.0, 0.0)])[0] == 1
