"""Layers, shapes, memory and operations of a step, up to the layer that cannot take its input."""

import json

import pytest

import corenet as cn


@pytest.fixture
def summary(call, tmp_path):
    """Save a model, and return the exit code and what the summary says of it."""

    def run(model, *arguments):
        cn.save(tmp_path / "model", model)
        code, stdout, _ = call("summary", tmp_path / "model", *arguments, "--json")
        return code, json.loads(stdout)

    return run


def test_each_layer_is_counted(summary):
    model = cn.Sequential(cn.Linear(3, 5), cn.Sequential(cn.Tanh(), cn.Linear(5, 2, bias=False)))
    model[0].freeze()
    code, found = summary(model, "--batch-size", 7)
    assert (code, found["failed"], found["inputs"]) == (0, "", [[7, 3]])
    assert [(each["path"], each["outputs"], each["parameters"], each["trained"]) for each in found["layers"]] == [
        ("0", [[7, 5]], 20, 0),
        ("1.0", [[7, 5]], 0, 0),
        ("1.1", [[7, 2]], 10, 10),
    ]
    forward, backward = 2 * 7 * 3 * 5, 2 * 7 * 5 * 2  # the first is frozen, so of the second dW alone
    assert [each["flops"] for each in found["layers"]] == [forward, 0, 2 * 7 * 5 * 2 + backward]
    assert found["bytes"] == {"parameters": 120, "gradients": 120, "outputs": 4 * (35 + 35 + 14)}
    assert (found["parameters"], found["flops"]) == (30, 210 + 280)


def test_the_first_layer_needs_no_gradient_of_the_data(summary):
    _, found = summary(cn.Sequential(cn.Linear(3, 5), cn.Linear(5, 2)), "--batch-size", 7)
    assert [each["flops"] for each in found["layers"]] == [2 * (2 * 7 * 3 * 5), 3 * (2 * 7 * 5 * 2)]


def test_it_stops_at_the_layer_that_fails(summary, call, tmp_path):
    model = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(4, 1), cn.Sigmoid())
    code, found = summary(model)
    assert (code, [each["path"] for each in found["layers"]]) == (1, ["0", "1"])
    assert found["failed"] == "[2] Linear(4 → 1): Linear(4 → 1) got (32, 3); expected last dimension 4"
    code, stdout, _ = call("summary", tmp_path / "model")
    assert (code, "stops at    [2] Linear(4 → 1)" in stdout) == (1, True)


def test_a_shape_may_be_given_and_must_be_where_nothing_says_it(summary, call, tmp_path):
    model = cn.Sequential(cn.Flatten(), cn.Linear(12, 2).to("cpu"))
    code, found = summary(model, "--input", "3,2,2", "--batch-size", 5)
    assert (code, [each["outputs"] for each in found["layers"]]) == (0, [[[5, 12]], [[5, 2]]])
    code, _, stderr = call("summary", tmp_path / "model")
    assert (code, "give the shape of one: --input 3,32,32" in " ".join(stderr.split())) == (2, True)
    for shape in ("3,x", "3,0", "-1"):
        code, _, stderr = call("summary", tmp_path / "model", "--input", shape)
        assert (code, "a shape is sizes ≥ 1" in stderr) == (2, True)


def test_an_experiment_says_its_inputs(call, short):
    code, stdout, _ = call("summary", short(), "--batch-size", 100)
    lines = [" ".join(line.split()) for line in stdout.splitlines()]
    assert code == 0
    assert "0 Linear(2 → 4) (100, 4) 12 1.6 kB 3,200" in lines
    assert "parameters 17" in lines
    assert call("summary", "003a")[0] == 0


def test_a_file_that_cannot_be_built_is_one_line(call, tmp_path):
    class Net(cn.Sequential):
        pass

    cn.save(tmp_path / "model", Net(cn.Linear(2, 1)))
    code, stdout, stderr = call("summary", tmp_path / "model")
    assert (code, stdout) == (2, "")
    assert "Net is no component of an installed distribution" in " ".join(stderr.split())
