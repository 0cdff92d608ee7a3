"""Right rules of a step."""

from __future__ import annotations

import math

import torch

import corenet as cn


class Rule(cn.Optimizer):
    """A rule with ``lr`` and no other setting."""

    elementwise = True

    def __init__(self, parameters, lr):
        super().__init__(parameters, lr)


class Descent(Rule):
    def update(self, param, grad, state):
        param -= self.current_lr * grad


class SignDescent(Rule):
    def update(self, param, grad, state):
        param -= self.current_lr * grad.sign()


class HeavyBall(Rule):
    def init_state(self, param):
        return {"velocity": torch.zeros_like(param)}

    def update(self, param, grad, state):
        velocity = state["velocity"]
        velocity *= 0.9
        velocity += grad
        param -= self.current_lr * velocity


class RootMeanSquare(Rule):
    def init_state(self, param):
        return {"square": torch.zeros_like(param)}

    def update(self, param, grad, state):
        square = state["square"]
        square *= 0.99
        square += 0.01 * grad**2
        param -= self.current_lr * grad / (torch.sqrt(square) + 1e-8)


class AdaGrad(Rule):
    def init_state(self, param):
        return {"total": torch.zeros_like(param)}

    def update(self, param, grad, state):
        total = state["total"]
        total += grad**2
        param -= self.current_lr * grad / (torch.sqrt(total) + 1e-10)


class Momenta(Rule):
    """Adam's rule."""

    def init_state(self, param):
        return {"first": torch.zeros_like(param), "second": torch.zeros_like(param)}

    def update(self, param, grad, state):
        first, second, step = state["first"], state["second"], self.steps + 1
        first *= 0.9
        first += 0.1 * grad
        second *= 0.999
        second += 0.001 * grad**2
        size = math.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        param -= self.current_lr * size * first / (torch.sqrt(second) + 1e-8)
