"""The built-in optimizer and unusual ones keep each promise, and each planted fault is found by its check."""

import itertools
import math

import pytest
import torch

import corenet as cn
from corenet.contracts.optimizer import finite, non_negative
from corenet.testing import check_component
from corenet.testing.conformance import CHECKS

IDS = [check.id for check in CHECKS["optimizer"]]


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


# Faults in where it goes.


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


# Faults in manners.


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


class TakesAnyBeta(Adam):
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
        for place, name, piece in self._state_pieces():
            states[place][name] = piece
        return {"lr": self.lr, "steps": self.steps, "states": states}


class HoldsFunction(Plain):
    def __init__(self, parameters, lr):
        self.rate = lambda step: 1 / (1 + step)
        super().__init__(parameters, lr)


class ForgetsInCopies(Momentum):
    def __setstate__(self, state):
        super().__setstate__({**state, "states": self.zeros(state["states"])})

    def zeros(self, states):
        return [{name: torch.zeros_like(each) for name, each in state.items()} for state in states]


class Borrows(Plain):
    def update(self, param, grad, state):
        leaf = param.clone().requires_grad_()
        (leaf.square().sum() / 2).backward()
        param -= self.current_lr * (grad + 0.01 * leaf.grad)


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
    (HoldsFunction, "copies", "pickle"),
    (ForgetsInCopies, "copies", "at step 6"),
    (Borrows, "no_borrowed_gradient", "autograd"),
]


@pytest.mark.parametrize(("cls", "check", "word"), FAULTS, ids=lambda each: getattr(each, "__name__", None))
def test_a_planted_fault_is_found_by_its_check(finding, cls, check, word):
    assert word in finding(cls, f"optimizer.{check}")


# Right optimizers, however unusual.


class RMSprop(cn.Optimizer):
    elementwise = True

    def __init__(self, parameters, lr=0.01, alpha=0.99, eps=1e-8, centered=False):
        self.alpha, self.eps, self.centered = non_negative("alpha", alpha), non_negative("eps", eps), centered
        super().__init__(parameters, lr)

    def init_state(self, param):
        return {"mean": torch.zeros_like(param), "square": torch.zeros_like(param)}

    def update(self, param, grad, state):
        state["square"].mul_(self.alpha).add_((1 - self.alpha) * grad.square())
        state["mean"].lerp_(grad, 1 - self.alpha)
        spread = state["square"] - state["mean"].square() if self.centered else state["square"]
        param -= self.current_lr * grad / (spread.clamp(min=0).sqrt() + self.eps)


class Lion(Adam):
    def __init__(self, parameters, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(parameters, lr, betas, weight_decay=weight_decay)

    def init_state(self, param):
        return {"mean": torch.zeros_like(param)}

    def update(self, param, grad, state):
        first, second = self.betas
        direction = state["mean"].lerp(grad, 1 - first).sign()
        param -= self.current_lr * (direction + self.weight_decay * param)
        state["mean"].lerp_(grad, 1 - second)


class Adagrad(cn.Optimizer):
    elementwise = True

    def __init__(self, parameters, lr, start=0.0, eps=1e-10):
        self.start, self.eps = non_negative("start", start), non_negative("eps", eps)
        super().__init__(parameters, lr)

    def init_state(self, param):
        return {"sum": torch.full_like(param, self.start)}

    def update(self, param, grad, state):
        state["sum"] += grad.square()
        param -= self.current_lr * grad / (state["sum"].sqrt() + self.eps)


class SignDescent(Plain):
    def update(self, param, grad, state):
        param -= self.current_lr * grad.sign()


class Lars(cn.Optimizer):
    """A rate for each parameter, of its norm beside its gradient's."""

    def __init__(self, parameters, lr, trust=0.01, weight_decay=0.0):
        self.trust, self.weight_decay = non_negative("trust", trust), non_negative("weight_decay", weight_decay)
        super().__init__(parameters, lr)

    def update(self, param, grad, state):
        grad = grad + self.weight_decay * param
        param -= self.current_lr * self.trust * param.norm() / (grad.norm() + 1e-12) * grad


class Nesterov(Momentum):
    """As Y. Nesterov's own, with the look ahead written as a difference of velocities."""

    def update(self, param, grad, state):
        velocity = state["velocity"]
        before = velocity.clone()
        velocity.mul_(self.momentum).sub_(self.current_lr * (grad + self.weight_decay * param))
        param += velocity + self.momentum * (velocity - before)


class Clipped(Plain):
    """Clips each gradient at a norm, if one is given."""

    elementwise = False

    def __init__(self, parameters, lr, max_norm=None):
        self.max_norm = None if max_norm is None else non_negative("max_norm", max_norm)
        super().__init__(parameters, lr)

    def update(self, param, grad, state):
        scale = 1.0 if self.max_norm is None else torch.clamp(self.max_norm / (grad.norm() + 1e-12), max=1.0)
        param -= self.current_lr * scale * grad


class Lookahead(Momentum):
    """Every ``every`` steps back to halfway between where it was and where it is."""

    def __init__(self, parameters, lr, every=5):
        self.every = every
        super().__init__(parameters, lr)

    def init_state(self, param):
        return {**super().init_state(param), "slow": param.clone()}

    def update(self, param, grad, state):
        super().update(param, grad, state)
        if (self.steps + 1) % self.every == 0:
            state["slow"].lerp_(param, 0.5)
            param.copy_(state["slow"])


class FixedRate(Plain):
    """Takes no lr but has one."""

    def __init__(self, parameters):
        super().__init__(parameters, lr=0.05)


class Every(cn.SGD):
    """SGD with every hyper-parameter in use."""

    @staticmethod
    def conformance_cases():
        return [
            cn.Case({"lr": 0.1}),
            cn.Case({"lr": 0.1, "momentum": 0.9, "nesterov": True}),
            cn.Case({"lr": 0.1, "momentum": 0.5, "dampening": 0.3, "weight_decay": 0.1, "lr_decay": 0.1}),
            cn.Case({"lr": 0.1, "maximize": True}),
        ]


RIGHT = [cn.SGD, Every, Plain, Momentum, Adam, RMSprop, Lion, Adagrad, SignDescent, NormOfEach, Lars]
RIGHT += [Nesterov, Clipped, Lookahead, FixedRate]


@pytest.mark.parametrize("cls", RIGHT)
def test_a_right_optimizer_keeps_each_promise(finding, cls):
    assert {check: found for check in IDS if (found := finding(cls, check))} == {}


def test_a_rule_that_scales_its_gradient_is_told_that_alone():
    class Scales(Plain):
        def update(self, param, grad, state):
            param -= grad.mul_(self.current_lr)

    assert [each.check for each in check_component(Scales).failures] == ["optimizer.gradients_unchanged"]


def test_every_check_has_a_fault_to_find():
    assert {f"optimizer.{check}" for _, check, _ in FAULTS} == set(IDS)
