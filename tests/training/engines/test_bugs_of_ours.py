"""A component that fails when it is tried is an expected refusal; a bug of an engine is never taken for one."""

import pytest
import torch

import corenet as cn
from corenet.training.engines import additivity, memory_estimate
from corenet.training.engines.additivity import refuse_what_does_not_add_up
from corenet.training.engines.memory_estimate import affordable
from corenet.training.engines.recording import op_log
from corenet.training.engines.recording.agreement import agree
from corenet.training.engines.recording.recorded_update import record_update
from corenet.training.engines.unsupported import NotRecordable, is_of_ours
from corenet.training.learner import Learner

DATA = cn.data.Dataset(torch.randn(64, 2), torch.randn(64, 1))
BUG = "a bug in corenet, please report it: "


class Fails(cn.Tanh):
    def forward(self, input):
        raise ZeroDivisionError("its own")


def learner(*middle):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 3), *middle, cn.Linear(3, 1))
    return Learner(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1))


@pytest.fixture(autouse=True)
def nobody_looks_for_bugs(monkeypatch):
    for name in ("CORENET_STRICT", "CORENET_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(memory_estimate, "LARGE", 1000)


def raised(function):
    try:
        function()
    except Exception as error:  # noqa: BLE001 - any
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("function", "ours"),
    [
        (lambda: agree([1], [2]), True),
        (lambda: learner(Fails()).gradients(DATA.inputs, DATA.targets), False),
        (lambda: learner().gradients(DATA.inputs.long(), DATA.targets), False),
        (lambda: int("one"), False),
    ],
)
def test_an_error_is_of_ours_where_an_engine_raised_it(function, ours):
    assert is_of_ours(raised(function)) == ours


def test_an_error_that_was_never_raised_is_not_of_ours():
    assert not is_of_ours(ValueError())


def test_a_model_that_fails_is_left_to_say_so_in_its_training():
    refuse_what_does_not_add_up(learner(Fails()), DATA, 8)
    assert affordable(learner(Fails()), DATA.inputs, DATA.targets, 64) is None


def test_a_bug_in_the_look_at_pieces_is_told(monkeypatch):
    monkeypatch.setattr(additivity, "buffers", lambda learner: 3)
    with pytest.warns(cn.EngineWarning, match=f"nobody knows whether pieces add up: {BUG}TypeError"):
        refuse_what_does_not_add_up(learner(), DATA, 8)
    monkeypatch.setenv("CORENET_STRICT", "1")
    with pytest.raises(TypeError):
        refuse_what_does_not_add_up(learner(), DATA, 8)


def test_a_bug_in_the_estimate_of_memory_is_told(monkeypatch):
    monkeypatch.setattr(memory_estimate, "log_step", lambda *given: (None, None))
    with pytest.warns(cn.EngineWarning, match=f"batches are left whole: {BUG}AttributeError"):
        assert affordable(learner(), DATA.inputs, DATA.targets, 64) is None
    monkeypatch.setenv("CORENET_STRICT", "1")
    with pytest.raises(AttributeError):
        affordable(learner(), DATA.inputs, DATA.targets, 64)


def test_a_step_that_cannot_be_recorded_is_no_bug(monkeypatch):
    refusal = NotRecordable("it looks at its numbers")
    monkeypatch.setattr(memory_estimate, "log_step", lambda *given: (None, refusal))
    assert affordable(learner(), DATA.inputs, DATA.targets, 64) is None


class FailingRule(cn.SGD):
    def update(self, param, grad, state):
        raise ZeroDivisionError("its own")


def test_a_rule_that_fails_on_a_shadow_is_refused_and_a_bug_of_ours_is_not(monkeypatch):
    model = cn.Linear(2, 1)
    with pytest.raises(NotRecordable, match="the rule raised ZeroDivisionError when it was tried: its own"):
        record_update(FailingRule(model.parameters(), lr=0.1))
    monkeypatch.setattr(op_log, "Operation", lambda: None)
    with pytest.raises(TypeError):
        record_update(cn.SGD(model.parameters(), lr=0.1))


def test_trials_leave_the_generators_of_python_where_they_were():
    import random

    class Draws(cn.Tanh):
        def forward(self, input):
            random.random()
            return super().forward(input)

        def backward(self, grad_output):
            return super().backward(grad_output)

    state = random.getstate()
    affordable(learner(Draws()), DATA.inputs, DATA.targets, 64)
    assert random.getstate() == state
