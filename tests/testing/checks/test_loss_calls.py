"""Losses with a lost block tail, shared state, kept batch sizes or ignored samples, right and wrong."""

from typing import ClassVar

import pytest
import torch

import corenet as cn
from corenet.testing import Case, check_component


class Square(cn.Loss):
    """``Σ (x − t)²``."""

    def check(self, input, target):
        if input.shape != target.shape:
            raise cn.ShapeError("Square", input.shape, f"expected {tuple(target.shape)}")

    def forward(self, input, target):
        self.save(input, target)
        return (input - target).square().sum()

    def backward(self):
        input, target = self.saved()
        return 2 * (input - target)


class LosesTheLastBlock(Square):
    def backward(self):
        gradient = super().backward()
        if len(gradient) > 16:
            gradient[len(gradient) // 16 * 16 :] = 0
        return gradient


class SharedByTheClass(Square):
    kept: ClassVar[dict] = {}

    def forward(self, input, target):
        self.kept["x"] = input - target
        return super().forward(input, target)

    def backward(self):
        self.saved()
        return 2 * self.kept["x"]


class KeepsTheFirstBatchSize(Square):
    size = 0

    def backward(self):
        gradient = super().backward()
        self.size = self.size or len(gradient)
        gradient[self.size :] = 0
        return gradient


class CrossEntropy(cn.Loss):
    """``−Σ log softmax(x)[t] / n`` over the n samples that are not ignored."""

    def __init__(self, ignore_index: int = -100, reduction: str = "mean"):
        if reduction not in ("mean", "sum"):
            raise ValueError(reduction)
        self.ignore_index, self.reduction = ignore_index, reduction

    @staticmethod
    def conformance_cases():
        return [Case({"ignore_index": each}, shape=(6, 3), classes=3) for each in (-100, 0, 2)]

    def check(self, input, target):
        if input.dim() != 2 or target.shape != input.shape[:1] or not len(input):
            raise cn.ShapeError("CrossEntropy", input.shape, "expected (N, C) and (N,)")

    def check_values(self, input, target):
        if not ((target >= 0) & (target < input.shape[1]) | (target == self.ignore_index)).all():
            raise cn.RangeError("a class that there is none of")

    def forward(self, input, target):
        kept = target != self.ignore_index
        logs, at = input.log_softmax(1), target.clamp(0, input.shape[1] - 1)[:, None]
        self.save(logs, at, kept)
        total = -(logs.gather(1, at)[:, 0] * kept).sum()
        return total / kept.sum() if self.reduction == "mean" else total

    def backward(self):
        logs, at, kept = self.saved()
        gradient = (logs.exp() - torch.zeros_like(logs).scatter(1, at, 1)) * self.rows(kept)[:, None]
        return gradient / kept.sum() if self.reduction == "mean" else gradient

    def rows(self, kept):
        return kept


class ForgetsToIgnore(CrossEntropy):
    def rows(self, kept):
        return torch.ones_like(kept)


@pytest.mark.parametrize(
    ("component", "check"),
    [
        (LosesTheLastBlock, "rows"),
        (SharedByTheClass, "instances"),
        (KeepsTheFirstBatchSize, "batch_sizes"),
        (ForgetsToIgnore, "ignored_samples"),
    ],
)
def test_a_fault_is_seen_by_its_check(component, check):
    failed = [each.check for each in check_component(component).failures]
    assert f"loss.{check}" in failed
    assert "loss.gradient" not in failed


@pytest.mark.parametrize("component", [Square, CrossEntropy])
def test_a_right_loss_passes(component):
    report = check_component(component)
    assert report.ok, report
