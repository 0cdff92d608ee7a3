"""Right optimizers, however unusual, keep each promise."""

import pytest
import torch

import corenet as cn
from corenet.contracts.numbers import non_negative
from corenet.testing.conformance import CHECKS


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


class Lion(cn.Optimizer):
    elementwise = True

    def __init__(self, parameters, lr, betas=(0.9, 0.99), weight_decay=0.0):
        self.betas = tuple(non_negative(f"betas[{place}]", beta) for place, beta in enumerate(betas))
        self.weight_decay = non_negative("weight_decay", weight_decay)
        super().__init__(parameters, lr)

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


RIGHT = [Every, RMSprop, Lion, Adagrad, SignDescent, Lars, Nesterov, Clipped, Lookahead, FixedRate]
IDS = [check.id for check in CHECKS["optimizer"]]


@pytest.mark.parametrize("cls", RIGHT)
def test_a_right_optimizer_keeps_each_promise(finding, cls):
    assert {check: found for check in IDS if (found := finding(cls, check))} == {}
