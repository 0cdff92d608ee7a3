"""Calls leave each other and their arguments alone, and gradients add up."""

import pytest

STATE = """
import numpy as np
KEPT = {}

def forward(x):
    KEPT["x"] = x
    return x * (x > 0), None

def backward(g, cache):
    return g * (KEPT["x"] > 0)
"""


def test_a_second_call_that_changes_the_first_is_named(lost):
    assert lost("relu", "numpy", text=STATE) == {"calls": ("state_kept", None)}


def test_a_class_that_shares_between_its_instances_is_named(lost):
    edits = (("self.save(input > 0)", "ReLU.kept = input > 0"), ("(positive,) = self.saved()", "positive = ReLU.kept"))
    assert lost("relu", "module", *edits) == {"calls": ("state_kept", None)}


IN_PLACE = [
    ("relu", "numpy", "return np.maximum(input, 0), input > 0", "m = input > 0; input *= m; return input, m", 10),
    ("relu", "numpy", "return grad_output * positive", "grad_output *= positive; return grad_output", 16),
    ("relu", "module", "return grad_output * positive", "grad_output *= positive; return grad_output", 20),
    ("linear", "module", "return grad_output @ self", "self.weight *= 2; return grad_output @ (0.5 * self", None),
]


@pytest.mark.parametrize(("layer", "style", "old", "new", "line"), IN_PLACE)
def test_an_argument_that_is_changed_is_named_with_the_line(lost, layer, style, old, new, line):
    edits = [(old, new), ("self.weight\n", "self.weight)\n")] if layer == "linear" else [(old, new)]
    assert lost(layer, style, *edits) == {"calls": ("arguments_changed", line)}


@pytest.mark.parametrize(
    ("new", "misconception"),
    [
        ("self.weight.grad = grad_output.T @ input", "not_accumulated"),
        ("self.weight.grad.copy_(grad_output.T @ input)", "not_accumulated"),
        ("self.weight.grad += grad_output.T @ input + self.weight.grad", "not_accumulated"),
    ],
)
def test_a_gradient_that_is_not_added_is_named(lost, new, misconception):
    found = lost("linear", "module", ("self.weight.grad += grad_output.T @ input", new))
    assert found == {"accumulation": (misconception, 27)}


def test_it_cannot_be_told_of_what_raises(graded):
    result = graded("relu", "numpy", ("return grad_output * positive", "raise ValueError('no')"))
    calls = result["layers"][0]["checks"][2]
    assert calls["message"] == "it cannot be told, as forward or backward stops with an error"
