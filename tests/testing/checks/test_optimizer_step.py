"""Optimizers that skip elements or take another power of the learning rate."""

import pytest
import torch

import corenet as cn
from corenet.contracts.numbers import non_negative
from corenet.testing import Case, check_component
from corenet.testing.checks.optimizer_step import OPTIMIZER_STEP_CHECKS
from corenet.testing.conformance import run_check
from corenet.testing.support.trial import Trial


class Plain(cn.Optimizer):
    """``w ← w − lr g``."""

    elementwise = False

    def update(self, param, grad, state):
        self.move(param, self.current_lr * grad)

    def move(self, param, step):
        param.sub_(step)


class SkipsTheLastBlock(Plain):
    def move(self, param, step):
        if param.dim() and len(param) > 16:
            step[len(param) // 16 * 16 :] = 0
        param.sub_(step)


class SkipsTheFirstColumn(Plain):
    def move(self, param, step):
        if param.dim() == 2 and len(param) > 3:
            step[:, 0] = 0
        param.sub_(step)


class SquaresTheRate(Plain):
    def move(self, param, step):
        param.sub_(self.current_lr * step)


class TakesTheRootOfTheRate(Plain):
    def move(self, param, step):
        param.sub_(step / max(self.current_lr, 1e-30) ** 0.5)


class SignsWithMomentum(Plain):
    """``v ← ½ v + g; w ← w − lr sign v``."""

    def init_state(self, param):
        return {"v": torch.zeros_like(param)}

    def update(self, param, grad, state):
        state["v"].mul_(0.5).add_(grad)
        param.sub_(self.current_lr * state["v"].sign())


class ForgetsItsVelocity(SignsWithMomentum):
    def update(self, param, grad, state):
        velocity = state["v"]
        velocity = 0.5 * velocity + grad
        param.sub_(self.current_lr * velocity)


class NeverReadsItsVelocity(SignsWithMomentum):
    """Collects the gradients, and goes by the last one alone."""

    def update(self, param, grad, state):
        state["v"].mul_(0.5).add_(grad)
        param.sub_(self.current_lr * grad.sign())


class IgnoresItsSecondMoment(Plain):
    elementwise = True

    def init_state(self, param):
        return {"first": torch.zeros_like(param), "second": torch.zeros_like(param)}

    def update(self, param, grad, state):
        state["first"].lerp_(grad, 0.1)
        state["second"].lerp_(grad.square(), 0.01)
        param.sub_(self.current_lr * state["first"])


class Resilient(Plain):
    """Reads of the last gradient the sign alone."""

    def init_state(self, param):
        return {"last": torch.zeros_like(param), "size": torch.ones_like(param)}

    def update(self, param, grad, state):
        agrees = (state["last"] * grad).sign()
        state["size"].mul_(1.0 + 0.2 * agrees)
        state["last"].copy_(grad)
        param.sub_(self.current_lr * state["size"] * grad.sign())


class Averaged(Plain):
    """Keeps the mean of the weights for its user, and a norm to be looked at."""

    def init_state(self, param):
        return {"mean": param.clone(), "norm": torch.zeros((), dtype=param.dtype)}

    def update(self, param, grad, state):
        super().update(param, grad, state)
        state["mean"].lerp_(param, 0.1)
        state["norm"].copy_(grad.norm())


class EveryFifthStep(Plain):
    """Goes back halfway to the weights of five steps ago: what it keeps is read now and then."""

    def init_state(self, param):
        return {"slow": param.clone(), "count": torch.zeros((), dtype=param.dtype)}

    def update(self, param, grad, state):
        super().update(param, grad, state)
        state["count"].add_(1)
        if state["count"] % 5 == 0:
            param.copy_(state["slow"].lerp_(param, 0.5))


class KeepsForAnOption(SignsWithMomentum):
    """Has a velocity of zeros where ``momentum`` is 0."""

    def __init__(self, parameters, lr, momentum=0.0):
        self.momentum = non_negative("momentum", momentum)
        super().__init__(parameters, lr)

    def update(self, param, grad, state):
        if self.momentum:
            grad = state["v"].mul_(self.momentum).add_(grad)
        param.sub_(self.current_lr * grad)


class Normalized(Plain):
    """``w ← w − lr g / |g|``."""

    def move(self, param, step):
        param.sub_(self.current_lr * step / (step.norm() + 1e-30))


@pytest.mark.parametrize(
    ("component", "check", "message"),
    [
        (SkipsTheLastBlock, "every_element", "6 of 99 elements of a parameter of (33, 3)|2 of 130 elements"),
        (SkipsTheFirstColumn, "every_element", "7 of 35 elements of a parameter of (7, 5) never change"),
        (SquaresTheRate, "follows_lr", "4 times as long"),
        (TakesTheRootOfTheRate, "follows_lr", "1.41 times as long"),
        (ForgetsItsVelocity, "writes_state", "after 12 steps state['v'] is all zeros"),
        (NeverReadsItsVelocity, "reads_state", "state['v'] follows the gradients, and whatever is in it"),
        (IgnoresItsSecondMoment, "reads_state", "state['second'] follows the gradients, and whatever is in it"),
    ],
)
def test_a_fault_is_seen(component, check, message):
    [failure] = [
        each for each in check_component(component, cases=[Case({"lr": 0.01})]).failures if each.check.endswith(check)
    ]
    assert any(each in failure.message for each in message.split("|"))


@pytest.mark.parametrize("component", [Plain, SignsWithMomentum, Normalized])
@pytest.mark.parametrize("check", ["every_element", "follows_lr"])
def test_a_right_rule_passes(component, check):
    report = check_component(component, cases=[Case({"lr": 0.01})])
    assert {each.check: each.verdict for each in report.results}[f"optimizer.{check}"] == "passed"


@pytest.mark.parametrize(
    ("component", "arguments", "verdict"),
    [
        (SignsWithMomentum, {}, "passed"),
        (Plain, {}, "skipped"),
        (KeepsForAnOption, {}, "passed"),
        (KeepsForAnOption, {"momentum": 0.9}, "passed"),
    ],
)
def test_state_that_has_a_reason_passes(component, arguments, verdict):
    report = check_component(component, cases=[Case({"lr": 0.01, **arguments})])
    assert report.ok, str(report)
    assert {each.check: each.verdict for each in report.results}["optimizer.writes_state"] == verdict


@pytest.mark.parametrize("component", [Plain, SignsWithMomentum, Resilient, Averaged, EveryFifthStep])
@pytest.mark.parametrize("seed", [0, 7])
def test_state_that_is_read_or_is_kept_for_a_user_passes(component, seed):
    [check] = [each for each in OPTIMIZER_STEP_CHECKS if each.id == "optimizer.reads_state"]
    result = run_check(check, [Trial(component, Case({"lr": 0.01}), seed)])
    assert result.verdict == ("skipped" if component is Plain else "passed")
