"""The kit finds callbacks that a second training finds changed, and clears those that are right."""

import math

import pytest

import corenet as cn
from corenet.testing import check_component


class Right(cn.Callback):
    """Stops where the loss rises to twice its smallest; one to plant faults in."""

    def begin(self, training):
        self.least = math.inf

    def after_epoch(self, training):
        loss = training.history[-1].loss
        self.least = min(self.least, loss)
        return loss > 2 * self.least

    def end(self, training):
        pass

    def state_dict(self):
        return {"least": self.least}

    def load_state_dict(self, state):
        self.least = state["least"]


class KeepsToItself(Right):
    """Says nothing of what it remembers."""

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class OnlyEnds(cn.Callback):
    def end(self, training):
        training.scale_lr(0.5)


class Remembers(Right):
    """Keeps the smallest loss of an earlier training."""

    least = math.inf

    def begin(self, training):
        pass


class Needs(Right):
    """Divides by what is 0 for a loss that stays."""

    def after_epoch(self, training):
        losses = [each.loss for each in training.history[-2:]]
        return len(losses) == 2 and 1 / (losses[1] - losses[0]) > 1e6


class Answers(Right):
    def after_epoch(self, training):
        return "no"


class Prunes(Right):
    def after_epoch(self, training):
        training.history[-1].loss = 0.0


class NeedsAnEpoch(Right):
    def end(self, training):
        self.last = training.history[-1].loss


class Misspelt(cn.Callback):
    def on_epoch_end(self, training):
        return True


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Remembers, "callback.again", "a second training comes to Done("),
        (Needs, "callback.runs", "where the loss stays, epoch 10 raises ZeroDivisionError"),
        (Answers, "callback.runs", "after_epoch() returns 'no', not a bool or None"),
        (Prunes, "callback.runs", "after_epoch() changes the history"),
        (NeedsAnEpoch, "callback.early_end", "end() after 0 epochs raises IndexError"),
        (KeepsToItself, "callback.resumed", "where the loss is not finite, going on after 1 epochs comes to Done("),
        (Misspelt, "callback.does_something", "it has none of begin, after_epoch and end of its own"),
    ],
)
def test_a_fault_is_found_once_and_named(cls, check, message):
    report = check_component(cls)
    assert [failure.check for failure in report.failures] == [check]
    assert message in report.failures[0].message


@pytest.mark.parametrize("cls", [Right, OnlyEnds])
def test_a_right_one_passes(cls):
    assert {result.verdict for result in check_component(cls).results} == {"passed"}
