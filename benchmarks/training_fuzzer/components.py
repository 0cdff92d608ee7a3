"""Modules that are as they should be, and losses."""

from __future__ import annotations

import torch

import corenet as cn

MODULES = {
    "Tanh": cn.Tanh,
    "Sigmoid": cn.Sigmoid,
    "ReLU": cn.ReLU,
    "Dropout": lambda: cn.Dropout(0.3),
}


class Normalizes(cn.Module):
    """A batch normalisation without a derivative through its statistics, which it keeps in a buffer."""

    def __init__(self, width):
        self.mean = cn.Buffer(torch.zeros(width))

    def forward(self, input):
        self.save(input)
        self.mean.lerp_(input.mean(0), 0.1)
        return input - self.mean

    def backward(self, grad_output):
        self.saved()
        return grad_output


class Residual(cn.Module):
    """Adds what a module inside makes of its input."""

    def __init__(self, inner):
        self.inner = inner

    def forward(self, input):
        return input + self.inner(input)

    def backward(self, grad_output):
        return grad_output + self.inner.backward(grad_output)


class Counting(cn.MSELoss):
    """Weighs by the number of times that it was asked."""

    count = 0

    def elements(self, input, target):
        self.count += 1
        return super().elements(input, target) * (1.0 if self.count < 20 else 0.5)

    def derivative(self, input, target):
        return super().derivative(input, target) * (1.0 if self.count < 20 else 0.5)


class Checking(cn.MSELoss):
    """Sets its weight when it checks its arguments."""

    weight = 1.0

    def check(self, input, target):
        super().check(input, target)
        if target.mean() > 0.6:
            self.weight = 0.5

    def elements(self, input, target):
        return super().elements(input, target) * self.weight

    def derivative(self, input, target):
        return super().derivative(input, target) * self.weight


class Weighing(cn.MSELoss):
    """Weighs the columns by a list."""

    def __init__(self):
        super().__init__()
        self.weights = [1.0]

    def elements(self, input, target):
        return super().elements(input, target) * self.weights[0]

    def derivative(self, input, target):
        return super().derivative(input, target) * self.weights[0]


class EatsTarget(cn.Loss):
    """Overwrites its target."""

    def forward(self, input, target):
        target.mul_(0.99)
        self.save(input, target.clone())
        return (input - target).square().mean()

    def backward(self):
        input, target = self.saved()
        return 2 * (input - target) / input.numel()


LOSSES = {
    "MSELoss": cn.MSELoss,
    "MSELoss sum": lambda: cn.MSELoss("sum"),
    "MAELoss": cn.MAELoss,
    "Counting": Counting,
    "Checking": Checking,
    "Weighing": Weighing,
    "EatsTarget": EatsTarget,
}
