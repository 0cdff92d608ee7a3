"""Right losses."""

from __future__ import annotations

import torch

import corenet as cn


class Squared(cn.ElementwiseLoss):
    def elements(self, input, target):
        return (input - target) ** 2

    def derivative(self, input, target):
        return 2 * (input - target)


class LogCosh(cn.ElementwiseLoss):
    def elements(self, input, target):
        return torch.log(torch.cosh(input - target))

    def derivative(self, input, target):
        return torch.tanh(input - target)


class Poisson(cn.ElementwiseLoss):
    def elements(self, input, target):
        return torch.exp(input) - target * input

    def derivative(self, input, target):
        return torch.exp(input) - target


class Quantile(cn.ElementwiseLoss):
    def elements(self, input, target):
        return torch.maximum(0.9 * (target - input), 0.1 * (input - target))

    def derivative(self, input, target):
        return torch.where(target > input, -0.9, 0.1).to(input.dtype)


class Cauchy(cn.ElementwiseLoss):
    def elements(self, input, target):
        return torch.log(1 + (input - target) ** 2)

    def derivative(self, input, target):
        gap = input - target
        return 2 * gap / (1 + gap**2)


class Logistic(cn.ElementwiseLoss):
    """``log(1 + exp(−t x))``."""

    def elements(self, input, target):
        return torch.log1p(torch.exp(-target * input))

    def derivative(self, input, target):
        return -target * torch.sigmoid(-target * input)


class Exponential(cn.ElementwiseLoss):
    def elements(self, input, target):
        return torch.exp(-target * input)

    def derivative(self, input, target):
        return -target * torch.exp(-target * input)


class Itakura(cn.ElementwiseLoss):
    """``t / x − log(t / x) − 1``."""

    @staticmethod
    def conformance_cases():
        return [cn.Case({"reduction": each}, domain=(0.3, 2.0)) for each in ("mean", "sum", "none")]

    def elements(self, input, target):
        return target / input - torch.log(target / input) - 1

    def derivative(self, input, target):
        return (input - target) / input**2


class CrossEntropy(cn.Loss):
    @staticmethod
    def conformance_cases():
        return [cn.Case(shape=(5, 4), classes=4)]

    def check(self, input, target):
        if input.dim() != 2 or target.shape != input.shape[:1] or not len(input):
            raise cn.ShapeError("CrossEntropy", tuple(input.shape), "expected (N, C) and N classes")
        if target.min() < 0 or target.max() >= input.shape[1]:
            raise cn.RangeError("CrossEntropy: a class is not one of the input's")

    def forward(self, input, target):
        logs = torch.log_softmax(input, 1)
        self.save(logs, target)
        return -logs.gather(1, target.unsqueeze(1)).mean()

    def backward(self):
        logs, target = self.saved()
        hot = torch.zeros_like(logs).scatter(1, target.unsqueeze(1), 1.0)
        return (torch.exp(logs) - hot) / len(logs)


class Cosine(cn.Loss):
    """``mean(1 − x·t / |x||t|)``."""

    def check(self, input, target):
        if input.shape != target.shape or not input.numel() or input.dim() != 2:
            raise cn.ShapeError("Cosine", tuple(input.shape), f"expected the target's shape {tuple(target.shape)}")

    def forward(self, input, target):
        length = torch.sqrt((input**2).sum(1, keepdim=True) + 1e-6)
        normal = target / torch.sqrt((target**2).sum(1, keepdim=True) + 1e-6)
        self.save(input, length, normal)
        return (1 - (input * normal).sum(1) / length.squeeze(1)).mean()

    def backward(self):
        input, length, normal = self.saved()
        along = (input * normal).sum(1, keepdim=True)
        return (input * along / length**3 - normal / length) / len(input)
