"""Whether a promise is kept: of large inputs, and of what raises."""

import pytest


def test_large_inputs_count_for_what_is_right_elsewhere_alone(lost):
    assert set(lost("softmax", "numpy", (" - (grad_output * output).sum(1, keepdims=True)", ""))) == {"input_gradient"}


def test_an_overflow_is_lost_by_itself(lost):
    found = lost("softmax", "module", ("torch.exp(input - input.amax(1, keepdim=True))", "torch.exp(input)"))
    assert found == {"large_values": ("overflow", None)}


def test_an_error_for_large_inputs_has_its_line(graded):
    edit = ("return output, output", "assert abs(input).max() < 100; return output, output")
    checks = graded("sigmoid", "numpy", edit)["layers"][0]["checks"]
    assert [check["passed"] for check in checks] == [True, True, True, False]
    assert (checks[3]["misconception"], checks[3]["line"]) == ("raises", 12)
    assert checks[3]["message"].startswith("for large inputs forward raises AssertionError")


@pytest.mark.parametrize("style", ["module", "numpy"])
def test_what_is_not_written_is_so_in_each_check_that_looks_at_it(lost, style):
    from corenet.scaffold.assignment import assignment_files

    found = lost("tanh", style, text=assignment_files("homework", ["tanh"], style)["handout/stub.py"])
    assert {name: slug for name, (slug, _) in found.items()} == {
        "forward": "not_written",
        "input_gradient": "not_written",
        "calls": None,
        "large_values": "not_written",
    }
