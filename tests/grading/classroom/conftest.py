"""Rows of a class, as a grader's answers come to."""

import pytest

from corenet.grading.classroom.row import Layer, Row
from corenet.grading.result import CheckResult

TITLES = {
    "wrong_sign": ("a wrong sign", "Derive each term again, sign first."),
    "wrong_axis": ("a wrong axis", "Over which axis does the forward go?"),
}


@pytest.fixture
def titles():
    return TITLES


@pytest.fixture
def row():
    """Make a row: ``row("alice", linear={"forward": None, "bias_gradient": "wrong_sign"})``; None passes."""

    def make(student, *, error=None, refusals=(), line=2, message="It is wrong.", **layers):
        made = []
        for name, checks in layers.items():
            each = tuple(
                CheckResult(f"{name}.{check}", f"the {check}", 2.0, 2.0, True)
                if said is None
                else CheckResult(f"{name}.{check}", f"the {check}", 0.0, 2.0, False, said or None, message, line)
                for check, said in checks.items()
            )
            made.append(Layer(name, sum(check.points for check in each), 2.0 * len(each), each))
        points, out_of = sum(layer.points for layer in made), sum(layer.out_of for layer in made) or 4.0
        return Row(student, f"{student}.py", points, out_of, error, tuple(made), 1.25, refusals)

    return make


@pytest.fixture
def small_class(row):
    """Three students: all right, one misunderstands two things, one has no grade."""
    return [
        row("alice", linear={"forward": None, "bias": None}),
        row("bob", linear={"forward": "", "bias": "wrong_sign"}),
        row("eve", error="took longer than 10 s", refusals=("reach the network",)),
    ]
