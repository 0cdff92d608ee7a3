"""A loss of class indices, with a weight for each class, keeps every promise, and its faults are found."""

import pytest
import torch

import corenet as cn
from corenet.testing.conformance import CHECKS


class CrossEntropy(cn.Loss):
    """−log softmax(x)[class] over dimension 1, with a weight for each class."""

    def __init__(self, weight=None, reduction="mean"):
        if reduction not in ("mean", "sum", "none"):
            raise cn.ConfigError(f"reduction {reduction!r}")
        self.weight, self.reduction = weight, reduction

    @staticmethod
    def conformance_cases():
        weight = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
        flat = [cn.Case({"reduction": each}, (5, 3), classes=3) for each in ("mean", "sum", "none")]
        return [*flat, cn.Case({"weight": weight}, (5, 3), classes=3), cn.Case({}, (2, 4, 3), classes=4)]

    def check(self, input, target):
        if target.shape != input.shape[:1] + input.shape[2:]:
            raise cn.ShapeError(f"{self!r}", target.shape, f"input has {tuple(input.shape)}")
        if target.numel() == 0 and self.reduction == "mean":
            raise cn.ShapeError(f"{self!r}", target.shape, "the mean of nothing")
        if target.numel() and not (target.min() >= 0 and target.max() < input.shape[1]):
            raise cn.RangeError(f"class {target.max()} of {input.shape[1]}")

    def forward(self, input, target):
        weights = torch.ones_like(target, dtype=input.dtype) if self.weight is None else self.weight[target]
        self.save(input, target, weights.to(input.dtype))
        picked = input.log_softmax(1).gather(1, target.unsqueeze(1)).squeeze(1)
        values = -weights.to(input.dtype) * picked
        if self.reduction == "mean":
            return values.sum() / weights.to(input.dtype).sum()
        return values.sum() if self.reduction == "sum" else values

    def backward(self):
        input, target, weights = self.saved()
        gradient = input.softmax(1)
        gradient.scatter_add_(1, target.unsqueeze(1), -torch.ones_like(gradient[:, :1]))
        gradient *= self.weights_of(weights).unsqueeze(1)
        return gradient / self.count(weights, gradient) if self.reduction == "mean" else gradient

    def weights_of(self, weights):
        return weights

    def count(self, weights, gradient):
        return weights.sum()


class ForgetsClassWeight(CrossEntropy):
    def weights_of(self, weights):
        return torch.ones_like(weights)


class CountsClasses(CrossEntropy):
    def count(self, weights, gradient):
        return gradient.numel()


class CountsFromTheEnd(CrossEntropy):
    def check(self, input, target):
        if target.numel() == 0 or int(target.max()) >= input.shape[1] or target.shape != input[:, 0].shape:
            raise cn.ShapeError("target", target.shape, "other classes")

    def forward(self, input, target):
        return super().forward(input, target % input.shape[1])


class IgnoresAllBelowZero(cn.CrossEntropyLoss):
    def check_values(self, input, target):
        super().check_values(input, target.clamp(min=0))


FAULTS = [
    (ForgetsClassWeight, "gradient", "weight=tensor(3,)"),
    (CountsClasses, "gradient", "(5, 3)"),
    (CountsFromTheEnd, "unknown_class", "class -1 of 3 is accepted"),
    (IgnoresAllBelowZero, "unknown_class", "class -1 of 3 is accepted"),
]


@pytest.mark.parametrize(("cls", "check", "word"), FAULTS, ids=lambda each: getattr(each, "__name__", None))
def test_a_planted_fault_is_found_by_its_check(finding, cls, check, word):
    assert word in finding(cls, f"loss.{check}")


@pytest.mark.parametrize("check", CHECKS["loss"], ids=lambda check: check.id)
def test_it_keeps_each_promise(finding, check):
    assert finding(CrossEntropy, check.id) == ""
