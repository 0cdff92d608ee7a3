"""The tables of a trace, as a terminal shows them."""

import re

import pytest
from rich.console import Console

import corenet as cn
from corenet.report.trace.table import figure, told
from corenet.report.trace.trace import trace


def printed(trace, width):
    with Console(width=width, color_system=None) as console, console.capture() as captured:
        console.print(told(trace))
    return captured.get()


def row(text, name):
    (line,) = [line for line in text.splitlines() if line.strip().startswith(name)]
    return re.split(r"\s{2,}", line.strip())


@pytest.mark.parametrize("width", [80, 120])
def test_forward_then_the_loss_then_backward_then_the_step(small, width):
    text = printed(small, width)
    assert all(len(line) <= width for line in text.splitlines())
    places = [text.index(part) for part in ("FORWARD", "BCELoss()  ", "BACKWARD", "STEP", "by SGD(")]
    assert places == sorted(places)
    back = text[text.index("BACKWARD") : text.index("STEP")]
    assert [int(place) for place in re.findall(r"\[(\d)\]", back)] == [4, 3, 2, 1, 0]


def test_numbers_stand_where_they_belong(small):
    text = printed(small, 100)
    relu, weight = small.layers[1], small.layers[3].parameters[0]
    numbers = [figure(each) for each in (relu.output.norm, relu.output.min, relu.output.mean, relu.output.max)]
    assert row(text, "[1] ReLU() ")[1:] == ["20×4", *numbers, f"{relu.dead} of 4"]
    assert row(text, "[3] weight") == [
        "[3] weight",
        "1×4",
        *map(figure, (weight.value.norm, weight.step, weight.ratio)),
    ]
    assert re.search(r"∂ weight +1×4 .* ok \de-\d\d", text)
    assert "passed on: unasked" in text
    assert "WRONG" not in text


def test_a_wrong_gradient_is_said_in_its_row_and_explained_below(traced, minus):
    text = printed(traced(cn.Linear(2, 3), minus(), cn.Linear(3, 1)), 80)
    assert text.count("WRONG 2e+00") == 1
    assert re.search(r"\[1\] Minus\(.*ours -?[\d.]+, numeric", text[text.index("STEP") :], re.DOTALL)


def test_a_lone_module_has_no_place():
    model, data = cn.Linear(2, 1), cn.data.disk(20, seed=0)
    text = printed(trace(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), data.inputs, data.targets), 80)
    assert row(text, "weight")[0] == "weight"


def test_what_could_not_be_checked_is_no_failure(traced, single):
    text = printed(traced(cn.Linear(2, 2), single(), cn.Linear(2, 1)), 80)
    assert "not checked" in text
    assert "[1] Single(): RuntimeError: float32 only" in text


def test_where_all_inputs_are_kinks_there_is_nothing_to_compare(traced):
    text = printed(traced(cn.Linear(2, 2, init="zeros"), cn.ReLU(), cn.Linear(2, 1)), 80)
    assert "at a kink" in text
