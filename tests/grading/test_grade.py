"""A submission graded: full points for what is right, the right points lost for what is wrong, with the reason."""

import json

import pytest

from corenet.grading.layers import NAMES
from corenet.grading.misconceptions import MISCONCEPTIONS
from corenet.grading.textbook import STYLES

KEEP = {"numpy": "1, keepdims=True", "module": "1, keepdim=True"}


@pytest.mark.parametrize("style", STYLES)
def test_the_solutions_of_all_layers_get_all_points(graded, style):
    result = graded(",".join(NAMES), style)
    assert [check for layer in result["layers"] for check in layer["checks"] if not check["passed"]] == []
    assert result["points"] == result["out_of"] > 60
    assert [layer["layer"] for layer in result["layers"]] == list(NAMES)


def test_a_result_is_the_agreed_json(graded):
    result = graded("linear", "numpy", ("grad_output.T @ input", "grad_output.T @ input / len(input)"))
    assert list(result) == ["schema", "submission", "points", "out_of", "error", "layers"]
    assert (result["schema"], result["submission"], result["error"]) == (1, "student_0.py", None)
    (layer,) = result["layers"]
    assert (layer["layer"], layer["points"], layer["out_of"]) == ("linear", 6.0, 8.0)
    assert layer["checks"][2] == {
        "id": "linear.weight_gradient",
        "title": "the gradient of the weight",
        "points": 0.0,
        "out_of": 2.0,
        "passed": False,
        "misconception": "mean_instead_of_sum",
        "message": MISCONCEPTIONS["mean_instead_of_sum"].hint,
        "line": 19,
    }
    assert json.loads(json.dumps(result)) == result


@pytest.mark.parametrize(
    ("layer", "old", "new", "check", "misconception"),
    [
        ("linear", "grad_output.T @ input", "input.T @ grad_output", "weight_gradient", "transposed"),
        ("linear", "grad_output.sum(0)", "grad_output", "bias_gradient", "not_summed"),
        ("linear", "grad_output.sum(0)", "grad_output.sum(1)", "bias_gradient", "wrong_axis"),
        ("linear", "grad_output.sum(0)", "np.ones(len(weight))", "bias_gradient", "upstream_ignored"),
        ("linear", "grad_output @ weight", "-grad_output @ weight", "input_gradient", "wrong_sign"),
        ("linear", "@ weight,", "@ weight * 5 / len(input),", "input_gradient", "hard_coded_shape"),
        ("linear", " + bias", "", "forward", "bias_forgotten"),
        ("relu", "grad_output * positive", "grad_output", "input_gradient", "mask_lost"),
        ("relu", "input > 0", "input < 0", "input_gradient", "mask_reversed"),
        ("relu", "* positive", "* (grad_output > 0)", "input_gradient", "wrong_mask"),
        ("sigmoid", "* output * (1 - output)", "* output", "input_gradient", "factor_forgotten"),
        ("sigmoid", "(1 - output)", "(1 + output)", "input_gradient", "wrong_sign"),
        ("sigmoid", "return output, output", "return output, input", "input_gradient", "input_for_output"),
        ("sigmoid", "1 / (1 + np.exp(-input))", "np.exp(input) / (1 + np.exp(input))", "large_values", "overflow"),
        ("tanh", "output**2", "output", "input_gradient", "square_forgotten"),
        ("softmax", " - (grad_output * output).sum(1, keepdims=True)", "", "input_gradient", "term_forgotten"),
        ("softmax", "(grad_output * output).sum(1,", "(grad_output * output).sum(0,", "input_gradient", "wrong_axis"),
        ("softmax", "input - input.max(1, keepdims=True)", "input", "large_values", "overflow"),
        ("mse", "grad_output * 2 *", "grad_output *", "input_gradient", "factor_two"),
        ("mse", "/ difference.size", "/ len(difference)", "input_gradient", "mean_over_too_little"),
        ("mse", "grad_output * 2", "2", "input_gradient", "upstream_ignored"),
        ("cross_entropy", "gradient / len(target)", "gradient", "input_gradient", "sum_instead_of_mean"),
        ("cross_entropy", "] -= 1", "] -= 0", "input_gradient", "target_forgotten"),
        ("layernorm", " - normal * along", "", "input_gradient", "variance_as_constant"),
        ("layernorm", " - mean - normal * along", "", "input_gradient", "statistics_as_constants"),
        ("layernorm", "(grad_output * normal).sum(0)", "(grad_output * normal).mean(0)", "weight_gradient", None),
        ("batchnorm", "grad_normal = grad_output * weight", "grad_normal = grad_output", "input_gradient", None),
        ("dropout", "return grad_output * factor", "return grad_output", "input_gradient", "mask_lost"),
        ("dropout", "factor, factor", "factor, factor != 0", "input_gradient", "scale_forgotten"),
        (
            "embedding",
            "np.add.at(gradient, input, grad_output)",
            "gradient[input] += grad_output",
            "weight_gradient",
            "repetitions_lost",
        ),
        (
            "attention",
            "(grad_weights * weights).sum(1",
            "(grad_weights * weights).sum(0",
            "query_gradient",
            "wrong_axis",
        ),
    ],
)
def test_a_fault_in_numpy_is_lost_and_named(lost, layer, old, new, check, misconception):
    expected = misconception or {"layernorm": "mean_instead_of_sum", "batchnorm": "scale_forgotten"}[layer]
    assert lost(layer, "numpy", (old, new))[check][0] == expected


@pytest.mark.parametrize(
    ("layer", "old", "new", "check", "misconception", "line"),
    [
        ("linear", "self.weight.grad += ", "self.weight.grad = ", "accumulation", "not_accumulated", 27),
        ("linear", "grad_output.T @ input", "input.T @ grad_output", "weight_gradient", "raises", 27),
        ("tanh", "self.save(output)", "self.save(input)", "input_gradient", "input_for_output", 15),
        ("mse", "difference / difference.numel()", "difference", "input_gradient", "sum_instead_of_mean", 21),
        ("layernorm", "- mean - normal", "+ mean - normal", "input_gradient", "wrong_sign", 37),
        ("relu", "input > 0", "input > 1", "input_gradient", "wrong_mask", 14),
        (
            "embedding",
            "self.weight.grad.index_add_(0, input, grad_output)",
            "self.weight.grad[input] += grad_output",
            "weight_gradient",
            "repetitions_lost",
            26,
        ),
    ],
)
def test_a_fault_in_a_module_is_lost_and_named_with_its_line(lost, layer, old, new, check, misconception, line):
    assert lost(layer, "module", (old, new))[check] == (misconception, line)


@pytest.mark.parametrize("style", STYLES)
def test_a_fault_loses_no_other_points(lost, style):
    assert set(lost("layernorm", style, (" - mean - normal * along", ""))) == {"input_gradient"}


def test_a_layer_that_is_missing_loses_its_points_alone(graded):
    first, second = graded("relu,tanh", "numpy", ("def relu_backward", "def backward_of_relu"))["layers"]
    assert (first["points"], second["points"]) == (0.0, 5.0)
    assert {check["misconception"] for check in first["checks"]} == {"not_written"}
    assert first["checks"][0]["message"] == "there is no function relu_backward"


def test_a_stub_is_not_written(lost):
    from corenet.scaffold.assignment import assignment_files

    text = assignment_files("homework", ["linear"], "module")["handout/stub.py"]
    found = lost("linear", "module", text=text)
    assert found["forward"] == ("not_written", 21)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("def forward(x) return x", "student_0.py:1: expected ':'"),
        ("import sys\nsys.exit(3)", "importing student_0.py raises SystemExit: 3"),
        ("1 / 0", "importing student_0.py raises ZeroDivisionError: division by zero"),
    ],
)
def test_a_file_that_cannot_be_imported_is_an_error_and_no_points(graded, text, error):
    result = graded("relu", "numpy", text=text)
    assert (result["error"], result["points"], result["out_of"]) == (error, 0.0, 4.0)
    assert {check["message"] for check in result["layers"][0]["checks"]} == {error}
