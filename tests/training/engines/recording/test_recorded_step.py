"""One real step as a log: what it computes is kept, and what cannot be done again is said."""

import random

import numpy
import pytest
import torch

import corenet as cn
from corenet.training.engines.recording.step_log import StepLog, log_step
from corenet.training.engines.unsupported import NotRecordable
from corenet.training.learner import Learner


class Does(cn.Module):
    """Does something beside its work."""

    def __init__(self, do, undo=lambda module: None):
        self.do, self.undo = do, undo
        self.calls = 0

    def forward(self, input):
        self.calls += 1
        self.do(input)
        return 1.0 * input

    def backward(self, grad_output):
        return 1.0 * grad_output


def nothing(input):
    pass


def test_a_logged_step_is_the_plain_one_and_runs_once(learner, batches):
    mine, plain = learner(Does(nothing)), learner(Does(nothing))
    (batch,) = batches(1)
    value, log = log_step(mine, *batch)
    assert torch.equal(value, plain.gradients(*batch))
    for own, other in zip(mine.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(own.grad, other.grad)
        assert torch.equal(own, other)
    assert mine.model[1].calls == 1
    assert isinstance(log, StepLog)
    assert torch.equal(log.value, value)
    assert log.value is not value  # the next replay overwrites its own


REFUSED = {
    "a look at a number": (lambda x: x.sum().item(), "the step reads a tensor's values in Python"),
    "a branch by tolist": (lambda x: x.tolist(), "the step reads a tensor's values in Python"),
    "a draw in Python": (lambda x: random.random(), "the step draws random numbers in Python or numpy"),
    "a draw in numpy": (lambda x: numpy.random.rand(), "the step draws random numbers in Python or numpy"),
    "a tensor made in Python": (
        lambda x: torch.tensor([0.0]).add_(x.sum()),
        "the step writes into a tensor that was made in Python",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_again_is_done_once_and_said(name, learner, batches):
    do, told = REFUSED[name]
    mine, plain = learner(Does(do)), learner(Does(nothing))
    (batch,) = batches(1)
    value, refusal = log_step(mine, *batch)
    assert torch.equal(value, plain.gradients(*batch))
    assert mine.model[1].calls == 1
    assert isinstance(refusal, NotRecordable)
    assert refusal.text.startswith(told)


class ChangesTarget(cn.Loss):
    def forward(self, input, target):
        target.mul_(0.5)
        self.save(input, target)
        return (input - target).square().sum()

    def backward(self):
        input, target = self.saved()
        return 2 * (input - target)


class ChangesInput(cn.Linear):
    def forward(self, input):
        return super().forward(input.mul_(0.5))


@pytest.mark.parametrize("part", ["input", "target"])
def test_what_writes_into_its_batch_is_refused_and_leaves_it_as_the_plain_step_does(part, batches):
    layer = ChangesInput(2, 1) if part == "input" else cn.Linear(2, 1)
    loss = ChangesTarget() if part == "target" else cn.MSELoss()
    learner = Learner(layer, loss, cn.SGD(layer.parameters(), lr=0.1))
    (batch,), (kept,) = batches(1), batches(1)
    value, refusal = log_step(learner, *batch)
    assert str(refusal) == "the step changes its batch in place (mul_); change a clone of it"
    assert torch.equal(value, learner.gradients(*kept))
    assert all(map(torch.equal, batch, kept))
    assert not torch.equal(batch[part == "target"], batches(1)[0][part == "target"])


class Counts(cn.Module):
    """Writes into tensors that it holds: a buffer, and one that is none."""

    def __init__(self):
        self.steps, self.others = cn.Buffer(torch.zeros(())), torch.zeros(())

    def forward(self, input):
        self.steps.add_(1)
        self.others.add_(2)
        return 1.0 * input

    def backward(self, grad_output):
        return 1.0 * grad_output


def test_what_a_module_holds_may_be_written(learner, batches):
    mine = learner(Counts())
    _, log = log_step(mine, *batches(1)[0])
    assert isinstance(log, StepLog)
    assert (mine.model[1].steps, mine.model[1].others) == (1, 2)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_leaves_nothing_saved(error, learner, batches):
    def fail(input):
        if failing:
            raise error

    failing, mine = [1], learner(Does(fail))
    with pytest.raises(error):
        log_step(mine, *batches(1)[0])
    failing.clear()
    mine.gradients(*batches(1)[0])
