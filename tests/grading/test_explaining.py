"""Why a result is wrong: by the list of the layer, by the diagnosis, by the edit that mends it."""

import pytest


@pytest.mark.parametrize(
    ("layer", "old", "new", "check", "expected"),
    [
        ("mse", "grad_output * 2 *", "grad_output * 3 *", "input_gradient", ("wrong_number", 17)),
        ("tanh", "output**2", "output**3", "input_gradient", ("wrong_number", 17)),
        ("mse", "difference / difference.size", "1 / difference.size", "input_gradient", ("factor_forgotten", 17)),
        ("cross_entropy", "target] -= 1", "target] = 1", "input_gradient", ("overwritten", 23)),
        ("layernorm", "(grad_normal - mean - normal * along)", "(mean + normal * along)", "input_gradient",
         ("term_forgotten", 28)),
        ("sigmoid", "* (1 - output)", "/ (1 - output)", "input_gradient", ("scale_inverted", 18)),
        ("layernorm", "(grad_normal * normal).mean", "(grad_normal * std).mean", "input_gradient",
         ("wrong_variable", 27)),
        ("softmax", "output * (grad_output - (grad_output * output).sum(1, keepdims=True))", "1 * output",
         "input_gradient", ("upstream_ignored", 21)),
        ("relu", "grad_output * positive", "grad_output * positive + 1e-7", "input_gradient", ("approximate", 16)),
        ("tanh", "np.tanh(input)", "np.tanh(input.astype(np.float32))", "forward", ("single_precision", 10)),
        ("tanh", "np.tanh(input)", "-np.tanh(input)", "forward", ("wrong_sign", 10)),
        ("linear", "grad_output.sum(0)", "grad_output[:5].sum(0)", "bias_gradient", ("hard_coded_shape", 19)),
        ("linear", "grad_output.sum(0)", "np.zeros(4)", "bias_gradient", ("gradient_missing", 19)),
        ("linear", "@ weight, grad_output.T @ input", "@ weight, grad_output.T @ abs(input)", "weight_gradient", None),
        ("cross_entropy", "grad_output * gradient", "grad_output * grad_output * gradient", "input_gradient",
         ("upstream_twice", 24)),
    ],
)  # fmt: skip
def test_a_cause_is_named_with_its_line(lost, layer, old, new, check, expected):
    found = lost(layer, "numpy", (old, new))
    assert check in found
    assert expected is None or found[check] == expected


def test_a_size_that_is_written_down_is_seen_where_it_stops(lost):
    text = """
import numpy as np

def forward(x):
    return np.maximum(x, 0), x

def backward(g, x):
    out = np.zeros((5, 7))
    for i in range(5):
        out[i] = g[i] * (x[i] > 0)
    return out
"""
    assert lost("relu", "numpy", text=text)["input_gradient"] == ("hard_coded_shape", 10)


def test_a_gradient_that_follows_another_forward_is_said_to(lost):
    text = "def forward(x): return 2 * x, x\ndef backward(g, x): return 2 * g\n"
    assert lost("relu", "numpy", text=text) == {"forward": (None, 1), "input_gradient": ("follows_own_forward", 1)}


def test_a_difference_without_a_name_has_its_numbers(graded):
    edit = ("grad_output.T @ input", "np.sin(7 * grad_output.T) @ np.cosh(np.sort(input, 1))")
    check = graded("linear", "numpy", edit)["layers"][0]["checks"][2]
    assert check["misconception"] is None
    assert check["message"].startswith("the gradient of the weight is ")
    assert check["message"].endswith(" is right")


def test_an_error_is_told_with_its_line(graded):
    check = graded("relu", "numpy", ("return grad_output * positive", "return grad_output @ positive"))["layers"][0][
        "checks"
    ][1]
    assert (check["misconception"], check["line"]) == ("raises", 16)
    assert check["message"].startswith("backward raises ValueError: matmul")


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("return None", "the gradient of input is None, not an array of numbers"),
        ("return grad_output, 1, 2", "relu_backward returns 3 values, expected that of input"),
        ("return 'x'", "the gradient of input is of type str, not an array of numbers"),
    ],
)
def test_another_kind_of_result_is_told(graded, new, message):
    checks = graded("relu,tanh", "numpy", ("return grad_output * positive", new))["layers"][0]["checks"]
    assert checks[1]["message"] == f"backward raises ConfigError: {message}"
