"""The tables of a trace, as a terminal shows them."""

import re

import click
import pytest
import torch
from rich.cells import cell_len

import corenet as cn
from corenet.report.trace.formatting import format_number
from corenet.report.trace.step_trace import trace_step
from corenet.report.trace.table import trace_tables


def printed(trace, width):
    return click.unstyle("\n".join(trace_tables(trace, width)))


def row(text, name):
    (line,) = [line for line in text.splitlines() if line.strip().startswith(name)]
    return re.split(r"\s{2,}", line.strip())


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_forward_then_the_loss_then_backward_then_the_step(small, width):
    text = printed(small, width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    places = [text.index(part) for part in ("FORWARD", "BCELoss(): ", "BACKWARD", "STEP", "by SGD(")]
    assert places == sorted(places)
    back = text[text.index("BACKWARD") : text.index("STEP")]
    assert [int(place) for place in re.findall(r"\[(\d)\]", back)] == [4, 3, 2, 1, 0]


def test_numbers_are_in_their_columns(small):
    text = printed(small, 100)
    relu, weight = small.layers[1], small.layers[3].parameters[0]
    numbers = [format_number(each) for each in (relu.output.norm, relu.output.min, relu.output.mean, relu.output.max)]
    assert row(text, "[1] ReLU() ")[1:] == ["20×4", *numbers, f"{relu.dead} of 4"]
    assert row(text, "[3] weight") == [
        "[3] weight",
        "1×4",
        *map(format_number, (weight.value.norm, weight.step, weight.ratio)),
    ]
    assert re.search(r"∂L/∂weight +1×4 .* ok \de-\d\d", text)
    assert "∂L/∂input, not needed" in text
    assert "WRONG" not in text


def test_a_narrow_terminal_leaves_out_the_extremes(small):
    relu = small.layers[1]
    numbers = [format_number(each) for each in (relu.output.norm, relu.output.mean)]
    assert row(printed(small, 60), "[1] ReLU() ")[1:] == ["20×4", *numbers, f"{relu.dead} of 4"]


def test_a_wrong_gradient_is_named_in_its_row_and_explained_below(traced, minus):
    wrong = traced(cn.Linear(2, 3), minus(), cn.Linear(3, 1))
    text = printed(wrong, 80)
    assert text.count("WRONG 2e+00") == 1
    assert re.search(r"\[1\] Minus\(.*ours -?[\d.]+, numeric", text[text.index("STEP") :], re.DOTALL)
    assert click.style("WRONG 2e+00", fg="red", bold=True) in "\n".join(trace_tables(wrong, 80))


@pytest.mark.parametrize("width", [60, 80, 100])
def test_words_stay_whole(traced, minus, width):
    class Negated(minus):
        def __repr__(self):
            return "Negated(by a sign in the wrong place, and explained at length)"

    torch.manual_seed(0)
    wrong = traced(cn.Linear(2, 3), Negated(), cn.Linear(3, 1))
    text = printed(wrong, width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert set(text.split()) >= set(trace_words(wrong))


def trace_words(wrong):
    """Return the words of the labels and of what was found wrong."""
    problems = [problem.detail for layer in wrong.layers for problem in layer.check.problems()]
    return " ".join([*(layer.label for layer in wrong.layers), *problems]).split()


def test_a_model_of_a_single_module_has_no_index():
    model, data = cn.Linear(2, 1), cn.data.disk(20, seed=0)
    text = printed(trace_step(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data.inputs, data.targets), 80)
    assert row(text, "weight")[0] == "weight"


def test_what_could_not_be_checked_is_no_failure(traced, single):
    text = printed(traced(cn.Linear(2, 2), single(), cn.Linear(2, 1)), 80)
    assert "not checked" in text
    assert "[1] Single(): RuntimeError: float32 only" in text


def test_where_all_inputs_are_kinks_there_is_nothing_to_compare(traced):
    text = printed(traced(cn.Linear(2, 2, init="zeros"), cn.ReLU(), cn.Linear(2, 1)), 80)
    assert "only kinks" in text
