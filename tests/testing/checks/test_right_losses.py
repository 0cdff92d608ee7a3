"""Right losses, however unusual, keep each promise."""

import math

import pytest
import torch

import corenet as cn
from corenet.testing.conformance import CHECKS


class Squared(cn.Loss):
    """A right loss to plant faults in: ½ Σ (x − t)² over everything."""

    def check(self, input, target):
        if input.shape != target.shape:
            raise cn.ShapeError(f"{self!r}", input.shape, f"expected {tuple(target.shape)}")

    def forward(self, input, target):
        self.save(input, target)
        return (input - target).square().sum() / 2

    def backward(self):
        input, target = self.saved()
        return input - target


class Huber(cn.MSELoss):
    def elements(self, input, target):
        off = (input - target).abs()
        return torch.where(off < 1, off.square() / 2, off - 0.5)

    def derivative(self, input, target):
        return (input - target).clamp(-1, 1)


class Quantile(cn.MSELoss):
    """The pinball of the 0.9-quantile, which has a kink where x = t."""

    def elements(self, input, target):
        off = target - input
        return torch.maximum(0.9 * off, -0.1 * off)

    def derivative(self, input, target):
        return torch.where(target > input, -0.9, 0.1).to(input.dtype)


class Hinge(cn.MSELoss):
    def elements(self, input, target):
        return (1 - input * target).clamp(min=0)

    def derivative(self, input, target):
        return -target * (input * target < 1)


class LogCosh(cn.MSELoss):
    def elements(self, input, target):
        off = (input - target).abs()
        return off + torch.log1p(torch.exp(-2 * off)) - math.log(2)

    def derivative(self, input, target):
        return torch.tanh(input - target)


class PoissonNLL(cn.MSELoss):
    """eˣ − t x, of a count t."""

    @staticmethod
    def conformance_cases():
        return [cn.Case({}, (6,), target_domain=(0.0, 9.0))]

    def elements(self, input, target):
        return input.exp() - target * input

    def derivative(self, input, target):
        return input.exp() - target


class KLDivergence(cn.MSELoss):
    """t (log t − x), of log-probabilities x, with 0 log 0 = 0."""

    @staticmethod
    def conformance_cases():
        return [cn.Case({"reduction": "sum"}, (2, 3, 2), (-4.0, 0.0), (0.0, 1.0))]

    def elements(self, input, target):
        return torch.special.xlogy(target, target) - target * input

    def derivative(self, input, target):
        return -target


class Cosine(Squared):
    """Σ 1 − cos(x, t) over rows, with an eps in the norms."""

    def forward(self, input, target):
        self.save(input, target)
        return (1 - self._cosine(input, target)).sum()

    def backward(self):
        input, target = self.saved()
        norm, other = self._norm(input), self._norm(target)
        return self._cosine(input, target)[..., None] * input / norm.square() - target / (norm * other)

    def _cosine(self, input, target):
        return (input * target).sum(-1) / (self._norm(input) * self._norm(target))[..., 0]

    def _norm(self, rows):
        return (rows.square().sum(-1, keepdim=True) + 1e-12).sqrt()


class PerSampleWeights(Squared):
    """Weights given for each sample when the loss is made, so that its batch has an order."""

    def __init__(self, weight):
        self.weight = weight

    @staticmethod
    def conformance_cases():
        return [cn.Case({"weight": torch.tensor([[1.0], [2.0], [0.5], [1.0]], dtype=torch.float64)})]

    def check(self, input, target):
        super().check(input, target)
        if len(input) != len(self.weight):
            raise cn.ShapeError("input", input.shape, f"expected {len(self.weight)} samples")

    def forward(self, input, target):
        self.save(input, target)
        return (self.weight.to(input.dtype) * (input - target).square()).sum() / 2

    def backward(self):
        gradient = super().backward()
        return self.weight.to(gradient.dtype) * gradient


RIGHT = [Squared, Huber, Quantile, Hinge, LogCosh, PoissonNLL, KLDivergence, Cosine, PerSampleWeights]
SLOW = "loss.compiled"  # one of the built-in losses and one of class indices are compiled in other tests
IDS = [check.id for check in CHECKS["loss"] if check.id != SLOW]


@pytest.mark.parametrize("cls", RIGHT)
def test_a_right_loss_keeps_each_promise(finding, cls):
    assert {check: found for check in IDS if (found := finding(cls, check))} == {}
