"""Right losses."""

from __future__ import annotations

import torch

import corenet as cn
from benchmarks.gradcheck_survey.subject import Subject

PROBABILITY, ANY = (1e-11, 1 - 1e-11), (-1e6, 1e6)
UNIT = (0.0, 1.0)


class LogCosh(cn.ElementwiseLoss):
    def elements(self, input, target):
        gap = (input - target).abs()
        return gap + torch.log1p(torch.exp(-2 * gap))

    def derivative(self, input, target):
        return torch.tanh(input - target)


class Huber(cn.ElementwiseLoss):
    def elements(self, input, target):
        gap = (input - target).abs()
        return torch.where(gap < 1, gap**2 / 2, gap - 0.5)

    def derivative(self, input, target):
        return (input - target).clamp(-1, 1)


class Hinge(cn.ElementwiseLoss):
    def elements(self, input, target):
        return (1 - input * target).clamp(min=0)

    def derivative(self, input, target):
        return torch.where(input * target < 1, -target, 0.0)


class Poisson(cn.ElementwiseLoss):
    """The rate's logarithm is the input."""

    def elements(self, input, target):
        return input.exp() - target * input

    def derivative(self, input, target):
        return input.exp() - target


class Quantile(cn.ElementwiseLoss):
    def elements(self, input, target):
        gap = target - input
        return torch.maximum(0.9 * gap, -0.1 * gap)

    def derivative(self, input, target):
        return torch.where(target > input, -0.9, 0.1).to(input.dtype)


class CrossEntropy(cn.Loss):
    def forward(self, input, target):
        self.save(input, target)
        return -input.log_softmax(1).gather(1, target[:, None]).mean()

    def backward(self):
        input, target = self.saved()
        one_hot = torch.zeros_like(input).scatter_(1, target[:, None], 1.0)
        return (input.softmax(1) - one_hot) / len(input)


SUBJECTS = {
    "log-cosh loss": Subject(lambda _: LogCosh(), ANY, target=ANY),
    "huber loss": Subject(lambda _: Huber(), ANY, target=ANY),
    "hinge loss": Subject(lambda _: Hinge(), ANY, (1.0, -1.0, 0.0), target=(-1.0, 1.0)),
    "poisson loss": Subject(lambda _: Poisson(), (-100.0, 100.0), target=(0.0, 30.0)),
    "quantile loss": Subject(lambda _: Quantile(), ANY, target=ANY),
    "cross-entropy": Subject(lambda _: CrossEntropy(), (-300.0, 300.0), classes=True),
    "MSELoss": Subject(lambda _: cn.MSELoss()),
    "MAELoss": Subject(lambda _: cn.MAELoss()),
    "BCELoss": Subject(lambda _: cn.BCELoss(), PROBABILITY, (0.0, 1.0), target=UNIT),
    "BCELoss of sums": Subject(lambda _: cn.BCELoss(reduction="sum"), PROBABILITY, (0.0, 1.0), target=UNIT),
    "BCEWithLogitsLoss": Subject(lambda _: cn.BCEWithLogitsLoss(), (-500.0, 500.0), (0.0, 37.0, -37.0), target=UNIT),
}
