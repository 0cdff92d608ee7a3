"""Faults in the trajectory of an optimizer, each planted in one that is right without it and found by its check."""

import itertools

import pytest
import torch

import corenet as cn
from corenet.contracts.numbers import non_negative
from corenet.testing.checks.optimizer_trajectory import OPTIMIZER_TRAJECTORY_CHECKS
from corenet.testing.conformance import CHECKS


class Plain(cn.Optimizer):
    """A right optimizer to plant faults in."""

    elementwise = True

    def update(self, param, grad, state):
        param -= self.current_lr * grad


class NeverSteps(Plain):
    def update(self, param, grad, state):
        raise RuntimeError("no")


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


class Climbs(Plain):
    def update(self, param, grad, state):
        param += self.current_lr * grad


class Rests(Plain):
    def update(self, param, grad, state):
        param = param - self.current_lr * grad


class ClimbsRosenbrock(Plain):
    """Goes up where the gradient is large."""

    elementwise = False

    def update(self, param, grad, state):
        param -= self.current_lr * grad * (1 if grad.norm() < 50 else -1)


class StepsTooFar(Plain):
    """Has a step of its own size, whatever lr is."""

    def update(self, param, grad, state):
        param -= 5 * grad.sign() + self.current_lr * grad


class IgnoresLr(Plain):
    def update(self, param, grad, state):
        param -= 0.01 * grad


class DecaysWithoutLr(Momentum):
    def update(self, param, grad, state):
        super().update(param, grad, state)
        param *= 0.999


class KeepsLr(Plain):
    def __init__(self, parameters, lr):
        super().__init__(parameters, lr)
        self.eta = lr

    def update(self, param, grad, state):
        param -= self.eta * grad


class IgnoresLrDecay(Plain):
    def __init__(self, parameters, lr, lr_decay=0.0):
        super().__init__(parameters, lr, lr_decay=lr_decay)

    def update(self, param, grad, state):
        param -= self.lr * grad


class IgnoresWeightDecay(Momentum):
    def update(self, param, grad, state):
        state["velocity"].mul_(self.momentum).add_(grad)
        param -= self.current_lr * state["velocity"]


class ForgetsVelocity(Momentum):
    def update(self, param, grad, state):
        state["velocity"] = torch.zeros_like(param)
        super().update(param, grad, state)


class IgnoresNesterov(cn.SGD):
    def update(self, param, grad, state):
        nesterov, self.nesterov = self.nesterov, False
        super().update(param, grad, state)
        self.nesterov = nesterov


class IgnoresDampening(cn.SGD):
    def update(self, param, grad, state):
        dampening, self.dampening = self.dampening, 0.0
        super().update(param, grad, state)
        self.dampening = dampening


class IgnoresMaximize(cn.SGD):
    def update(self, param, grad, state):
        maximize, self.maximize = self.maximize, False
        super().update(param, grad, state)
        self.maximize = maximize


class MaximizesAlways(cn.SGD):
    def update(self, param, grad, state):
        super().update(param, -grad if self.maximize else grad, state)


class GrowsWeights(Momentum):
    def update(self, param, grad, state):
        super().update(param, grad - 2 * self.weight_decay * param, state)


class Adam(cn.Optimizer):
    """Moving means of the gradient and of its square, bias-corrected; weight decay decoupled."""

    elementwise = True

    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False):
        self.betas = tuple(non_negative(f"betas[{place}]", beta) for place, beta in enumerate(betas))
        self.eps = non_negative("eps", eps)
        self.weight_decay = non_negative("weight_decay", weight_decay)
        self.amsgrad = amsgrad
        super().__init__(parameters, lr)

    def init_state(self, param):
        return {name: torch.zeros_like(param) for name in ("mean", "square", "largest")}

    def update(self, param, grad, state):
        param -= self.current_lr * self.weight_decay * param
        first, second = self.used_betas()
        state["mean"].lerp_(grad, 1 - first)
        state["square"].mul_(second).add_((1 - second) * grad.square())
        torch.maximum(state["largest"], state["square"], out=state["largest"])
        square = state["largest"] if self.amsgrad else state["square"]
        mean = state["mean"] / (1 - first ** (self.steps + 1))
        param -= self.current_lr * mean / ((square / (1 - second ** (self.steps + 1))).sqrt() + self.eps)

    def used_betas(self):
        return self.betas


class IgnoresSecondBeta(Adam):
    def used_betas(self):
        return self.betas[0], 0.999


class IgnoresEps(Adam):
    def update(self, param, grad, state):
        eps, self.eps = self.eps, 1e-8
        super().update(param, grad, state)
        self.eps = eps


class IgnoresAmsgrad(Adam):
    def update(self, param, grad, state):
        state["largest"].zero_()
        super().update(param, grad, state)


class NoEps(Plain):
    def update(self, param, grad, state):
        param -= self.current_lr * grad / grad.abs()


class NormOfAll(Plain):
    """Divides by the norm of all it is given, and so is not elementwise."""

    def update(self, param, grad, state):
        param -= self.current_lr * grad / (grad.norm() + 1e-8)


class NormOfEach(NormOfAll):
    elementwise = False


class OneMemoryForAll(Plain):
    elementwise = False
    mean = 0.0

    def update(self, param, grad, state):
        self.mean = 0.9 * self.mean + 0.1 * grad.norm().item()
        param -= self.current_lr * grad / (self.mean + 1e-8)


class SharedByAll(Plain):
    made = itertools.count(1)

    def __init__(self, parameters, lr):
        super().__init__(parameters, lr)
        self.scale = 1 / (1 + next(self.made))

    def update(self, param, grad, state):
        param -= self.scale * self.current_lr * grad


FAULTS = [
    (NeverSteps, "runs", "it raised RuntimeError: no"),
    (Climbs, "quadratic_descent", "the sign"),
    (Rests, "quadratic_descent", "no weight changes"),
    (ClimbsRosenbrock, "rosenbrock_descent", "Rosenbrock's function goes from"),
    (StepsTooFar, "descent_direction", "no descent"),
    (StepsTooFar, "lr_zero", "lr=0"),
    (DecaysWithoutLr, "lr_zero", "not scaled by lr"),
    (IgnoresLr, "lr_zero", "not scaled by lr"),
    (IgnoresLr, "dead_argument", "lr changes nothing"),
    (KeepsLr, "lr_assigned", "read self.current_lr"),
    (IgnoresLrDecay, "dead_argument", "lr_decay changes nothing"),
    (IgnoresWeightDecay, "dead_argument", "weight_decay changes nothing"),
    (ForgetsVelocity, "dead_argument", "momentum changes nothing"),
    (IgnoresNesterov, "dead_argument", "nesterov changes nothing"),
    (IgnoresDampening, "dead_argument", "dampening changes nothing"),
    (IgnoresMaximize, "dead_argument", "maximize changes nothing"),
    (IgnoresSecondBeta, "dead_argument", "betas[1] changes nothing"),
    (IgnoresEps, "dead_argument", "eps changes nothing"),
    (IgnoresAmsgrad, "dead_argument", "amsgrad changes nothing"),
    (MaximizesAlways, "maximize", "not up"),
    (GrowsWeights, "weight_decay", "|w| goes from"),
    (NoEps, "zero_gradient", "is nan"),
    (SharedByAll, "repeats", "in a second run"),
    (NormOfAll, "together_and_apart", "elementwise = True"),
    (OneMemoryForAll, "together_and_apart", "belongs in the state of each parameter"),
]
COUNTERPARTS = [Plain, Momentum, Adam, NormOfEach]


@pytest.mark.parametrize(("cls", "check", "word"), FAULTS, ids=lambda each: getattr(each, "__name__", None))
def test_a_planted_fault_is_found_by_its_check(finding, cls, check, word):
    assert word in finding(cls, f"optimizer.{check}")


@pytest.mark.parametrize("counterpart", COUNTERPARTS, ids=lambda each: each.__name__)
def test_its_counterpart_without_the_fault_keeps_each_promise(finding, counterpart):
    assert {check.id: found for check in CHECKS["optimizer"] if (found := finding(counterpart, check.id))} == {}


def test_every_check_has_a_fault_to_find():
    assert {f"optimizer.{check}" for _, check, _ in FAULTS} == {check.id for check in OPTIMIZER_TRAJECTORY_CHECKS}
