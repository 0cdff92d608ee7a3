"""Optimizers whose groups do not go by their own values."""

import pytest
import torch

import corenet as cn

CHECK = "optimizer.groups_apart"


class Momentum(cn.Optimizer):
    elementwise = True

    def __init__(self, parameters, lr, momentum=0.9):
        self.momentum = momentum
        self.kept = 1 - momentum  # made of it once: a group changes the momentum alone
        super().__init__(parameters, lr)

    def init_state(self, param):
        return {"velocity": torch.zeros_like(param)}

    def update(self, param, grad, state):
        state["velocity"].mul_(self.momentum).add_(grad)
        param.sub_(state["velocity"], alpha=self.current_lr)


class ReadsWhatWasMade(Momentum):
    def update(self, param, grad, state):
        super().update(param, self.kept * grad, state)


class KeepsTheRate(Momentum):
    def __init__(self, parameters, lr, momentum=0.9):
        self.rate = lr
        super().__init__(parameters, lr, momentum)

    def update(self, param, grad, state):
        param.sub_(grad, alpha=self.rate)


class KeepsTheFirst(Momentum):
    """Remembers in an attribute what belongs to each group."""

    def update(self, param, grad, state):
        self.seen = getattr(self, "seen", self.momentum)
        param.sub_(grad * self.seen, alpha=self.current_lr)


@pytest.mark.parametrize(
    ("cls", "named"), [(ReadsWhatWasMade, "momentum="), (KeepsTheRate, "lr=0.03"), (KeepsTheFirst, "momentum=")]
)
def test_a_group_that_goes_by_the_values_of_others_is_found(finding, cls, named):
    found = finding(cls, CHECK)
    assert "in a group with " + named in found
    assert "read the hyper-parameter itself" in found


@pytest.mark.parametrize("cls", [Momentum, cn.SGD, cn.Adam, cn.AdamW])
def test_a_right_one_keeps_the_promise(finding, cls):
    assert finding(cls, CHECK) == ""


class Counts(cn.SGD):
    """Looks at its parameters itself, as a plugin may that knows no groups."""

    def __init__(self, parameters, lr):
        parameters = list(parameters)
        self.count = sum(each.numel() for each in parameters)
        super().__init__(parameters, lr)


def test_one_that_takes_no_groups_is_not_asked():
    results = {each.check: each for each in cn.testing.check_component(Counts).results}
    assert results[CHECK].verdict == "skipped"
    assert "it cannot be built of groups" in results[CHECK].message
    assert all(each.verdict != "failed" for each in results.values())
