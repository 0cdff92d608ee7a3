"""What came of a layer at a point, beside what is right."""

import types

import numpy as np
import pytest

from corenet.errors import ConfigError
from corenet.grading.layers import layer
from corenet.grading.points import points_of
from corenet.grading.trial import RTOL, agree, attempt
from corenet.grading.written import function_names, written

RELU = layer("relu")


def submission(**functions):
    space = types.ModuleType("student")
    vars(space).update(functions)
    return space


def tried(forward, backward):
    found = written(RELU, "numpy", submission(forward=forward, backward=backward), alone=True)
    return attempt(RELU, found, points_of(RELU, "numpy")[1])


@pytest.mark.parametrize(
    ("ours", "right", "agrees"),
    [
        ([1.0, 2.0], [1.0, 2.0], True),
        ([1.0, 2.0 + RTOL], [1.0, 2.0], True),
        ([1.0, 2.0 + 3 * RTOL], [1.0, 2.0], False),
        ([1.0, np.nan], [1.0, 2.0], False),
        ([1.0, np.inf], [1.0, 2.0], False),
        ([[1.0, 2.0]], [1.0, 2.0], False),
        ([1e-13, 0.0], [0.0, 0.0], False),
        ([], [], True),
    ],
)
def test_agreement_is_relative_to_the_largest_element(ours, right, agrees):
    assert agree(np.array(ours), np.array(right)) is agrees


def test_where_all_is_zero_it_is_relative_to_the_least_size():
    assert agree(np.array([1e-13]), np.zeros(1), least=1.0)
    assert not agree(np.array([1e-11]), np.zeros(1), least=1.0)


def test_what_is_right_agrees():
    trial = tried(lambda x: (np.maximum(x, 0), x), lambda g, x: g * (x > 0))
    assert (trial.agrees("forward"), trial.agrees("input"), trial.error) == (True, True, None)


@pytest.mark.parametrize("stage", ["forward", "backward"])
def test_what_raises_is_kept_with_its_stage(stage):
    def stop(*_):
        raise SystemExit(4)

    functions = {"forward": lambda x: (np.maximum(x, 0), x), "backward": lambda g, x: g * (x > 0), stage: stop}
    trial = tried(**functions)
    assert (trial.stage, type(trial.error)) == (stage, SystemExit)
    assert (trial.output is None) is (stage == "forward")
    assert not trial.agrees("input")


def test_names_are_short_for_a_single_layer_and_long_ones_do_too():
    assert function_names(RELU, alone=True) == ("forward", "backward")
    space = submission(relu_forward=abs, relu_backward=abs)
    assert written(RELU, "numpy", space, alone=True).names == ("relu_forward", "relu_backward")
    with pytest.raises(ConfigError, match="there is no function relu_forward"):
        written(RELU, "numpy", submission(forward=abs, backward=abs), alone=False)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (None, "there is no class Linear"),
        (int, r"Linear is no subclass of corenet\.Module"),
        (3, r"Linear is no subclass of corenet\.Module"),
    ],
)
def test_a_class_must_be_a_module(cls, message):
    with pytest.raises(ConfigError, match=message):
        written(layer("linear"), "module", submission(**({} if cls is None else {"Linear": cls})), alone=True)
