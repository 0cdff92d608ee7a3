"""The page of a student."""

import re

import pytest

from corenet.grading.classroom.feedback import feedback

SOURCE = "import numpy as np\ndef forward(x):\n    return x < 1, None\n"


def text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<body>")[2]))


def test_it_names_the_misconception_the_line_and_the_points(row, titles):
    page = feedback(row("bob", linear={"forward": None, "bias": "wrong_sign"}), titles, SOURCE, "hw1")
    said = text(page)
    assert "hw1: bob 2 of 4 points for bob.py." in said
    assert "the bias: a wrong sign It is wrong. Derive each term again, sign first. Look at line 2:" in said
    assert "→ 2 def forward(x): 3 return x &lt; 1, None" in said


def test_a_passed_check_says_no_more_than_its_points(row, titles):
    page = feedback(row("alice", linear={"forward": None}), titles, SOURCE, "hw1")
    assert "2 / 2 ✓ the forward" in text(page)
    assert "Look at line" not in page


@pytest.mark.parametrize("line", [None, 0, 4, 10**6])
def test_a_line_that_is_not_there_is_not_shown(row, titles, line):
    page = feedback(row("bob", line=line, linear={"bias": "wrong_sign"}), titles, SOURCE, "hw1")
    assert "a wrong sign" in page
    assert "Look at line" not in page


def test_it_says_why_there_is_no_grade_and_what_was_refused(row, titles):
    said = text(feedback(row("eve", error="took longer than 10 s", refusals=("x",)), titles, "", "hw1"))
    assert "Not graded in full: took longer than 10 s. The submission tried to x, which it may not." in said


def test_what_a_student_wrote_is_text_never_markup(row, titles):
    evil = "<script>alert(1)</script>\u202e"
    page = feedback(row(evil, error=evil, refusals=(evil,), message=evil, relu={"a": evil}), titles, evil * 3, evil)
    assert "<script" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page


def test_it_needs_no_other_file(row, titles):
    page = feedback(row("bob", linear={"bias": "wrong_sign"}), titles, SOURCE, "hw1")
    assert "<link" not in page
    assert "src=" not in page
