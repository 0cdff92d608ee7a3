"""Optimizers whose rules count, draw, or read what somebody changes."""

from __future__ import annotations

import random
import types

import torch

import corenet as cn

COUNT = 0


class Rule(cn.Optimizer):
    """Moves by a factor that a subclass finds."""

    elementwise = True

    def init_state(self, param):
        return {"velocity": torch.zeros_like(param)}

    def update(self, param, grad, state):
        state["velocity"].mul_(0.5).add_(grad)
        param -= self.current_lr * state["velocity"] * self.factor()

    def factor(self):
        return 1.0


def after(count):
    return 1.0 if count < 17 else 0.5


def fresh_rules():
    """Return a table of rules, whose classes nobody has changed yet."""
    global COUNT
    COUNT = 0

    class InAttribute(Rule):
        count = 0

        def factor(self):
            self.count += 1
            return after(self.count)

    class InOwnClass(Rule):
        count = 0

        def factor(self):
            type(self).count += 1
            return after(self.count)

    class InNamedClass(Rule):
        count = 0

        def factor(self):
            InNamedClass.count += 1
            return after(self.count)

    class InFunction(Rule):
        def factor(self):
            InFunction.factor.count += 1
            return after(InFunction.factor.count)

    InFunction.factor.count = 0

    class InList(Rule):
        def __init__(self, *args, **options):
            self.counts = [0]
            super().__init__(*args, **options)

        def factor(self):
            self.counts[0] += 1
            return after(self.counts[0])

    class InGlobal(Rule):
        def factor(self):
            global COUNT
            COUNT += 1
            return after(COUNT)

    class InState(Rule):
        def init_state(self, param):
            return super().init_state(param) | {"count": torch.zeros(1)}

        def update(self, param, grad, state):
            state["count"] += 1
            grad = torch.where(state["count"] < 17, grad, 0.5 * grad)
            super().update(param, grad, state)

    class Steps(Rule):
        def factor(self):
            return after(self.steps)

    class Draws(Rule):
        def factor(self):
            return 1.0 if random.random() < 0.9 else 0.5

    class OfClass(Rule):
        scale = 1.0

        def factor(self):
            return self.scale

    class Schedules(Rule):
        calls = 0

        @property
        def current_lr(self):
            self.calls += 1
            return self._lr * after(self.calls / 2)

    class Shares(Rule):
        """Counts in an object that a module may look at."""

        def __init__(self, *args, **options):
            self.shared = types.SimpleNamespace(factor=1.0, count=0)
            super().__init__(*args, **options)

        def factor(self):
            self.shared.count += 1
            self.shared.factor = after(self.shared.count)
            return 1.0

    kinds = InAttribute, InOwnClass, InNamedClass, InFunction, InList, InGlobal, InState, Steps, Draws, OfClass
    return {kind.__name__: kind for kind in (*kinds, Schedules, Shares)}


def _replaced(parameters, lr):
    """An optimizer whose rule was put onto it, and reads the rate of the object around."""
    optimizer = Rule(parameters, lr=lr)

    def update(param, grad, state):
        param.sub_(grad, alpha=optimizer.current_lr)

    optimizer.update = update
    return optimizer


OPTIMIZERS = {
    "SGD": cn.SGD,
    "momentum": lambda p, lr: cn.SGD(p, lr=lr, momentum=0.9),
    "decay": lambda p, lr: cn.SGD(p, lr=lr, momentum=0.9, weight_decay=0.01, lr_decay=0.1),
    "nesterov": lambda p, lr: cn.SGD(p, lr=lr, momentum=0.9, nesterov=True, dampening=0.0),
    "replaced": _replaced,
}
RULES = [*OPTIMIZERS, *fresh_rules()]
