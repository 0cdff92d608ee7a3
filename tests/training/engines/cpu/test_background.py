"""Kernels are replayed until the compiler is done, and that is said once."""

import pytest
import torch

from corenet.training.engines.cpu import background
from corenet.training.engines.cpu.background import BackgroundFunctions
from corenet.training.engines.cpu.engine import CFunctions
from corenet.training.engines.recording.op_log import OpLog
from corenet.training.engines.unsupported import NotYet

X = torch.ones(3, dtype=torch.float64)


def logged():
    with OpLog() as log:
        y = X * 2 + X
    return log.operations, y


@pytest.fixture
def compiler(monkeypatch):
    """A compiler that is done when ``done`` says so."""
    state = {"done": False, "begun": []}

    def begin(source):
        state["begun"].append(source)
        return lambda: state["done"]

    monkeypatch.setattr(background.cc, "begin", begin)
    return state


def done(calls, y):
    y.zero_()
    for call in calls:
        call()
    return y.tolist()


@pytest.mark.usefixtures("needs_compiler")
def test_kernels_first_and_functions_of_c_when_they_are_there(compiler):
    functions, (operations, y) = BackgroundFunctions(), logged()
    assert functions.running == "compiled"
    calls = functions(operations, [], [y])
    assert functions.running == "replay"
    assert len(compiler["begun"]) == 1
    assert done(calls, y) == [3.0] * 3
    assert not functions.improved()
    compiler["done"] = True
    assert functions.running == "replay"  # until somebody asks
    assert functions.improved()
    assert not functions.improved()  # it is said once
    assert functions.running == "compiled"
    again = functions(operations, [], [y])
    assert (len(calls), len(again)) == (2, 1)  # two kernels, one function
    assert done(again, y) == [3.0] * 3
    assert functions.running == "compiled"


@pytest.mark.usefixtures("needs_compiler")
def test_a_library_is_handed_out_when_the_compiler_is_done(compiler):
    functions, source = BackgroundFunctions(), "int one(void) { return 1; }"
    with pytest.raises(NotYet) as waiting:
        functions.library(source)
    assert not waiting.value.is_over()
    compiler["done"] = True
    assert waiting.value.is_over()
    assert functions.library(source).one() == 1


def test_in_the_foreground_they_are_always_compiled():
    functions = CFunctions()
    assert (functions.running, functions.improved()) == ("compiled", False)
