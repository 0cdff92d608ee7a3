"""When a step is recorded, when it is believed, and when the plain step trains instead."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.recording.lowering import KernelCalls
from corenet.training.engines.recording.recorded_step import ATTEMPTS
from corenet.training.engines.recording.recorder import CHANGES, EARNED, Recorder
from corenet.training.engines.unsupported import CannotCompile, Reporter


def recorder_of(learner, *lowerings, asked_by_name=False):
    return Recorder(learner, lowerings or (KernelCalls(),), Reporter(asked_by_name))


def steps(recorder, batches):
    """Do steps; return the losses."""
    values = []
    for input, target in batches:
        values.append(recorder.gradients(input, target).clone())
        recorder.learner.optimizer.step()
    return torch.stack(values)


def plain_steps(learner, batches):
    return torch.stack([learner.step(*batch) for batch in batches])


class Lowered:
    """A lowering that does something to the calls of kernels, or raises."""

    running = "compiled"

    def __init__(self, change):
        self.change = change
        self.made = 0

    def __call__(self, operations, gradients, kept):
        self.made += 1
        return self.change(KernelCalls()(operations, gradients, kept), gradients)

    def improved(self):
        return False


def raising(error):
    def change(calls, gradients):
        raise error

    return Lowered(change)


def test_losses_and_weights_are_those_of_plain_steps(learner, batches):
    mine, plain = learner(), learner()
    recorder = recorder_of(mine)
    torch.testing.assert_close(steps(recorder, batches(8)), plain_steps(plain, batches(8)))
    torch.testing.assert_close(mine.model.state_dict(), plain.model.state_dict())
    (recorded,) = recorder.steps.values()
    assert (recorded.verified, recorder.running, recorder.refusal) == (True, "replay", None)


@pytest.mark.parametrize("factor", [1.01, 0.0, torch.nan])
def test_what_gives_another_gradient_is_not_believed_and_trains_nobody(factor, learner, batches, caplog):
    mine, plain = learner(), learner()
    wrong = Lowered(lambda calls, gradients: [*calls, lambda: gradients[0].mul_(factor)])
    recorder = recorder_of(mine, wrong)
    with caplog.at_level("INFO", logger="corenet"):
        values = steps(recorder, batches(ATTEMPTS + 3))
    assert torch.equal(values, plain_steps(plain, batches(ATTEMPTS + 3)))
    torch.testing.assert_close(mine.model.state_dict(), plain.model.state_dict(), rtol=0, atol=0)
    assert recorder.running == "plain"
    told = "engine 'plain' runs, not 'compiled': the recorded step gave another gradient than the plain step"
    assert [each.message for each in caplog.records] == [told]


@pytest.mark.parametrize("wrong_times", range(4))
def test_two_agreements_of_four_attempts_are_enough(wrong_times, learner, batches):
    """Rounding turns a rectifier the other way now and then."""

    def change(calls, gradients):
        def spoil():
            if any(each.attempts < wrong_times for each in recorder.steps.values()):
                gradients[0].add_(1)

        return [*calls, spoil]

    recorder = recorder_of(learner(), Lowered(change))
    steps(recorder, batches(ATTEMPTS + 1))
    assert (recorder.running == "compiled") == (wrong_times <= 2)
    assert all(each.verified for each in recorder.steps.values())


def test_a_kernel_that_fails_in_a_replay_is_no_agreement(learner, batches):
    def fail():
        raise RuntimeError("no such memory")

    recorder = recorder_of(learner(), Lowered(lambda calls, gradients: [*calls, fail]))
    steps(recorder, batches(ATTEMPTS + 1))
    assert recorder.running == "plain"


def test_what_cannot_be_lowered_by_the_first_is_lowered_by_the_next(learner, batches, caplog):
    mine, plain = learner(), learner()
    first = raising(CannotCompile("there is no compiler"))
    recorder = recorder_of(mine, first, KernelCalls())
    with caplog.at_level("INFO", logger="corenet"):
        torch.testing.assert_close(steps(recorder, batches(4)), plain_steps(plain, batches(4)))
    steps(recorder, batches(2, points=3))
    assert (recorder.running, first.made) == ("replay", 1)  # who failed once is asked no more
    told = "engine 'replay' runs, not 'compiled': there is no compiler"
    assert [each.message for each in caplog.records] == [told]


def test_who_asked_by_name_is_warned(learner, batches):
    recorder = recorder_of(learner(), raising(CannotCompile("no")), KernelCalls(), asked_by_name=True)
    with pytest.warns(cn.EngineWarning, match="engine 'replay' runs, not 'compiled': no"):
        steps(recorder, batches(1))


def test_where_a_warning_is_an_error_it_is_not_taken_for_a_bug(learner, batches):
    recorder = recorder_of(learner(), raising(CannotCompile("no")), KernelCalls(), asked_by_name=True)
    with pytest.raises(cn.EngineWarning, match=r"^engine 'replay' runs, not 'compiled': no$"):
        steps(recorder, batches(1))


def test_a_bug_in_a_lowering_is_a_warning_and_the_next_goes_on(learner, batches, monkeypatch):
    for name in ("CORENET_STRICT", "CORENET_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    mine, plain = learner(), learner()
    recorder = recorder_of(mine, raising(AttributeError("no attribute 'x'")), KernelCalls())
    told = "not 'compiled': a bug in corenet, please report it: AttributeError: no attribute 'x'"
    with pytest.warns(cn.EngineWarning, match=told):
        values = steps(recorder, batches(4))
    torch.testing.assert_close(values, plain_steps(plain, batches(4)))
    assert recorder.running == "replay"


@pytest.mark.parametrize("name", ["CORENET_STRICT", "CORENET_DEBUG"])
def test_a_bug_in_a_lowering_is_raised_where_bugs_are_looked_for(name, learner, batches, monkeypatch):
    monkeypatch.setenv(name, "1")
    mine = learner()
    before = mine.model.state_dict()
    recorder = recorder_of(mine, raising(AttributeError("no attribute 'x'")), KernelCalls())
    with pytest.raises(AttributeError, match="no attribute 'x'"):
        steps(recorder, batches(1))
    torch.testing.assert_close(mine.model.state_dict(), before, rtol=0, atol=0)


class Scaled(cn.Module):
    factor = 1.0

    def forward(self, input):
        return self.factor * input

    def backward(self, grad_output):
        return self.factor * grad_output


def test_a_change_of_what_is_read_has_the_step_recorded_anew(learner, batches):
    mine, plain = learner(Scaled()), learner(Scaled())
    recorder = recorder_of(mine)
    for factor in (1.0, 2.0, 0.5):
        mine.model[1].factor = plain.model[1].factor = factor
        recorder.refresh()
        torch.testing.assert_close(steps(recorder, batches(4)), plain_steps(plain, batches(4)))
    assert recorder.running == "replay"


def test_what_changes_too_often_is_trained_plainly(learner, batches, caplog):
    mine, plain = learner(Scaled()), learner(Scaled())
    recorder = recorder_of(mine)
    with caplog.at_level("INFO", logger="corenet"):
        for number in range(CHANGES + 2):
            assert recorder.running == ("replay" if number <= CHANGES else "plain")
            mine.model[1].factor = plain.model[1].factor = 1.0 + 0.01 * number
            recorder.refresh()
            torch.testing.assert_close(steps(recorder, batches(4)), plain_steps(plain, batches(4)))
    assert recorder.running == "plain"
    told = "engine 'plain' runs, not 'replay': model.1.factor changes too often; change it once in 100 steps at most"
    assert [each.message for each in caplog.records] == [told]


def test_what_changes_after_it_has_earned_what_it_cost_may_change_for_ever(learner, batches):
    recorder = recorder_of(learner(Scaled()))
    for number in range(CHANGES + 2):
        recorder.learner.model[1].factor = 1.0 + 0.01 * number
        recorder.refresh()
        steps(recorder, batches(1) * (EARNED + 3))
    assert recorder.running == "replay"


def test_an_optimizer_with_a_step_of_its_own_is_left_to_it(learner, odd):
    recorder = recorder_of(learner(optimizer=odd["Clips"]))
    assert (recorder.running, recorder.refusal.text) == ("plain", "Clips overrides step()")


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_of_the_step_is_raised_and_the_next_batch_is_taken(error, learner, batches):
    class Fails(Scaled):
        after = 2

        def check(self, input):
            self.after -= 1
            if self.after == 0:
                raise error

    recorder = recorder_of(learner(Fails()))
    recorder.gradients(*batches(1)[0])
    with pytest.raises(error):
        recorder.gradients(*batches(1)[0])
    recorder.gradients(*batches(1)[0])
