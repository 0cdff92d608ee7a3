"""The line that computes a gradient, in either style."""

from pathlib import Path

import pytest

from corenet.grading.layers import layer
from corenet.grading.lines import changing, line_of
from corenet.grading.source import Source

FUNCTIONS = """\
def forward(x, w, b):
    y = x @ w.T
    y += b
    return y, (x, w)

def backward(g, cache):
    x, w = cache
    dw = g.T @ x
    db = g.sum(0)
    dw[0] = 0
    g *= 2
    return (g @ w, dw,
            db)
"""
CLASS = """\
class Linear:
    def forward(self, input):
        return input @ self.weight.T

    def backward(self, grad_output):
        self.weight.grad += 1
        self.bias.grad.add_(
            2)
        result = 3
        return result
"""


class Written:
    def __init__(self, *names):
        self.names = names


@pytest.mark.parametrize(("name", "line"), [("forward", 3), ("input", 12), ("weight", 10), ("bias", 9)])
def test_in_functions_it_is_that_of_the_value_that_is_returned(name, line):
    source = Source(Path("student.py"), FUNCTIONS)
    assert line_of(source, layer("linear"), Written("forward", "backward"), name) == line


@pytest.mark.parametrize(("name", "line"), [("forward", 3), ("input", 9), ("weight", 6), ("bias", 7)])
def test_in_a_class_it_is_where_grad_is_written(name, line):
    assert line_of(Source(Path("student.py"), CLASS), layer("linear"), Written("Linear"), name) == line


def test_a_function_that_is_not_there_has_no_line():
    source = Source(Path("student.py"), "backward = print")
    assert line_of(source, layer("linear"), Written("forward", "backward"), "input") is None


def test_a_function_that_returns_nothing_is_its_first_line():
    source = Source(Path("student.py"), "\ndef backward(g, c):\n    pass")
    assert line_of(source, layer("relu"), Written("forward", "backward"), "input") == 2


def test_what_changes_an_argument_in_place():
    source = Source(Path("student.py"), FUNCTIONS)
    written = Written("forward", "backward")
    assert [changing(source, written, name) for name in ("g", "dw", "w")] == [11, 10, None]
