"""Faults in what an optimizer refuses, changes and keeps, each found by its check."""

import math

import pytest
import torch

import corenet as cn
from corenet.contracts.numbers import finite, non_negative
from corenet.testing import check_component
from corenet.testing.checks.optimizer_contract import OPTIMIZER_CONTRACT_CHECKS


class Plain(cn.Optimizer):
    """A right optimizer to plant faults in."""

    elementwise = True

    def update(self, param, grad, state):
        param -= self.current_lr * grad


class Momentum(cn.Optimizer):
    """Another, with a memory and two hyper-parameters."""

    elementwise = True

    def __init__(self, parameters, lr, momentum=0.9, weight_decay=0.0):
        self.momentum = non_negative("momentum", momentum)
        self.weight_decay = non_negative("weight_decay", weight_decay)
        super().__init__(parameters, lr)

    def init_state(self, param):
        return {"velocity": torch.zeros_like(param)}

    def update(self, param, grad, state):
        velocity = state["velocity"]
        velocity.mul_(self.momentum).add_(grad + self.weight_decay * param)
        param -= self.current_lr * velocity


class TakesAnything(Momentum):
    def __init__(self, parameters, lr, momentum=0.9):
        super().__init__(parameters, lr)
        self.momentum = momentum


class TakesNegativeLr(Plain):
    @property
    def lr(self):
        return self._lr

    @lr.setter
    def lr(self, value):
        self._lr = finite("lr", value)


class TakesAnyBeta(Plain):
    """Takes a pair of numbers, of which it checks none."""

    def __init__(self, parameters, lr, betas=(0.9, 0.999)):
        super().__init__(parameters, lr)
        self.betas = betas


class Asserts(Momentum):
    def __init__(self, parameters, lr, momentum=0.9):
        assert math.isfinite(momentum)
        super().__init__(parameters, lr, momentum)


class ChangesGradient(Momentum):
    def update(self, param, grad, state):
        grad += self.weight_decay * param
        grad.mul_(self.current_lr)
        param -= grad


class ReplacesGradient(Plain):
    def step(self):
        super().step()
        for parameter in self.parameters:
            parameter.grad = parameter.grad.clone()


class BecomesDouble(Plain):
    def step(self):
        super().step()
        for parameter in self.parameters:
            parameter.data = parameter.data.double()


class RoundsFloat32(Plain):
    def update(self, param, grad, state):
        param -= self.current_lr * (grad if param.dtype == torch.float64 else grad.bfloat16().float())


class CountsParameters(Plain):
    def update(self, param, grad, state):
        super().update(param, grad, state)
        self.steps += 1


class AttributeMemory(Plain):
    velocity = 0.0

    def update(self, param, grad, state):
        self.velocity = 0.9 * self.velocity + grad
        param -= self.current_lr * self.velocity


class StateMadeLate(Momentum):
    def init_state(self, param):
        return {}

    def update(self, param, grad, state):
        state.setdefault("velocity", torch.zeros_like(param))
        super().update(param, grad, state)


class SavesNoState(Momentum):
    def load_state_dict(self, state):
        self.lr, self.steps = state["lr"], state["steps"]


class SavesViews(Momentum):
    def state_dict(self):
        states = [{} for _ in self.parameters]
        for place, name, piece, _ in self.layout._pieces():
            states[place][name] = piece
        return {"lr": self.lr, "steps": self.steps, "states": states}


class KeepsAnotherMomentum(Momentum):
    def __init__(self, parameters, lr, momentum=0.9):
        super().__init__(parameters, lr, momentum)
        self._momentum = momentum / 2


class HoldsFunction(Plain):
    def __init__(self, parameters, lr):
        self.rate = lambda step: 1 / (1 + step)
        super().__init__(parameters, lr)


class ForgetsInCopies(Momentum):
    def __setstate__(self, state):
        super().__setstate__({**state, "states": self.zeros(state["states"])})

    def zeros(self, states):
        return [{name: torch.zeros_like(each) for name, each in state.items()} for state in states]


class UsesAutograd(Plain):
    def update(self, param, grad, state):
        leaf = param.clone().requires_grad_()
        (leaf.square().sum() / 2).backward()
        param -= self.current_lr * (grad + 0.01 * leaf.grad)


FAULTS = [
    (TakesAnything, "refuses_non_finite", "momentum=nan is not refused"),
    (TakesNegativeLr, "refuses_non_finite", "lr=-1.0 is not refused"),
    (TakesAnyBeta, "refuses_non_finite", "betas[0]=nan is not refused"),
    (Asserts, "refuses_non_finite", "AssertionError"),
    (ChangesGradient, "gradients_unchanged", "in place"),
    (ReplacesGradient, "parameters_kept", "another object"),
    (BecomesDouble, "parameters_kept", "torch.float64"),
    (RoundsFloat32, "float32", "in float32"),
    (CountsParameters, "counts_steps", "steps is 10"),
    (AttributeMemory, "save_and_resume", "in an attribute"),
    (StateMadeLate, "save_and_resume", "init_state()"),
    (SavesNoState, "save_and_resume", "at step 6"),
    (SavesViews, "save_and_resume", "at step 6"),
    (KeepsAnotherMomentum, "rebuilt", "at step 6"),
    (HoldsFunction, "copies", "pickle"),
    (ForgetsInCopies, "copies", "at step 6"),
    (UsesAutograd, "no_borrowed_gradient", "autograd"),
]


@pytest.mark.parametrize(("cls", "check", "word"), FAULTS, ids=lambda each: getattr(each, "__name__", None))
def test_a_planted_fault_is_found_by_its_check(finding, cls, check, word):
    assert word in finding(cls, f"optimizer.{check}")


def test_a_rule_that_scales_its_gradient_is_told_that_alone():
    class Scales(Plain):
        def update(self, param, grad, state):
            param -= grad.mul_(self.current_lr)

    assert [each.check for each in check_component(Scales).failures] == ["optimizer.gradients_unchanged"]


def test_every_check_has_a_fault_to_find():
    assert {f"optimizer.{check}" for _, check, _ in FAULTS} == {check.id for check in OPTIMIZER_CONTRACT_CHECKS}
