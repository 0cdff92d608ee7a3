"""A row out of a grader's answer, and back."""

import pytest

from corenet.grading.classroom.row import Row

ANSWER = {
    "schema": 1,
    "submission": "alice.py",
    "points": 1.0,
    "out_of": 2.0,
    "error": None,
    "layers": [
        {
            "layer": "linear",
            "points": 1.0,
            "out_of": 2.0,
            "checks": [
                {"id": "linear.forward", "title": "the output", "points": 1.0, "out_of": 1.0, "passed": True,
                 "misconception": None, "message": "", "line": None},
                {"id": "linear.bias_gradient", "title": "gradient of the bias", "points": 0.0, "out_of": 1.0,
                 "passed": False, "misconception": "wrong_sign", "message": "A sign.", "line": 12},
            ],
        }
    ],
}  # fmt: skip


def answer(value=ANSWER, **more):
    return {"value": value, "fault": "", "seconds": 1.5, "refusals": ["reach the network"], "walls": True} | more


def test_it_keeps_what_the_grader_says():
    found = Row.of("alice", answer()).to_dict()
    assert (found["student"], found["seconds"], found["walls"]) == ("alice", 1.5, True)
    assert found["refusals"] == ("reach the network",)
    layers = [layer | {"checks": list(layer["checks"])} for layer in found["layers"]]
    assert {name: found[name] for name in ("submission", "points", "out_of", "error")} | {"layers": layers} == {
        name: value for name, value in ANSWER.items() if name != "schema"
    }


def test_a_misconception_is_named_once_for_each_layer():
    twice = [*ANSWER["layers"], *ANSWER["layers"], ANSWER["layers"][0] | {"layer": "relu"}]
    assert Row.of("a", answer(ANSWER | {"layers": twice})).misconceptions == {"wrong_sign": ["linear", "relu"]}


def test_why_it_is_not_all_comes_before_what_the_grader_says():
    assert Row.of("a", answer(fault="relu: took longer than 1 s")).error == "relu: took longer than 1 s"
    assert Row.of("a", answer(ANSWER | {"error": "no file"})).error == "no file"


@pytest.mark.parametrize("value", [{}, {"layers": [{}]}, {"layers": 3}, [], "x"])
def test_an_answer_of_another_form_is_refused(value):
    with pytest.raises((KeyError, TypeError)):
        Row.of("a", answer(value))
