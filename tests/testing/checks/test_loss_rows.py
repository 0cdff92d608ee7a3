"""Losses that are wrong for many rows or columns, for small or large differences, or in a tail."""

import pytest
import torch
from torch.nn.functional import softplus

import corenet as cn
from corenet.testing import Case


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
        return self.slope(input - target)

    def slope(self, error):
        return 2 * error


class FlatBeyond20(Square):
    def slope(self, error):
        return torch.where(error.abs() > 20, 0, 2 * error)


class ClippedAt50(Square):
    def slope(self, error):
        return (2 * error).clamp(-50, 50)


class HalvedWhereSmall(Square):
    def slope(self, error):
        return torch.where(error.abs() < 1e-3, error, 2 * error)


class LosesABlockOf512(Square):
    def slope(self, error):
        gradient = 2 * error
        if len(error) > 512:
            gradient[len(error) // 512 * 512 :] = 0
        return gradient


class LosesColumns(Square):
    def slope(self, error):
        gradient = 2 * error
        if error.shape[-1] > 16:
            gradient[..., error.shape[-1] // 16 * 16 :] = 0
        return gradient


class Logistic(cn.Loss):
    """``Σ log(1 + eˣ) − t x``, as one would write it: flat beyond 20, where torch's softplus is x itself."""

    check = Square.check

    @staticmethod
    def conformance_cases():
        return [Case(target_domain=(0.0, 1.0))]

    def forward(self, input, target):
        self.save(input, target)
        return (softplus(input) - target * input).sum()

    def backward(self):
        input, target = self.saved()
        return self.slope(input.sigmoid(), target)

    def slope(self, gate, target):
        return gate - target


class FlatTail(Logistic):
    def slope(self, gate, target):
        return torch.where(gate < 1e-9, -target, gate - target)


class Classes(cn.Loss):
    """``−Σ log softmax(x)[t]``, whose gradient goes to 256 classes."""

    class_dim, most = 1, 256

    @staticmethod
    def conformance_cases():
        return [Case(shape=(5, 3), classes=3)]

    def check(self, input, target):
        if input.dim() != 2 or target.shape != input.shape[:1]:
            raise cn.ShapeError("Classes", input.shape, "expected (N, C) and (N,)")

    def forward(self, input, target):
        self.save(input, target)
        return -input.log_softmax(1).gather(1, target[:, None]).sum()

    def backward(self):
        input, target = self.saved()
        gradient = input.softmax(1) - torch.zeros_like(input).scatter(1, target[:, None], 1)
        gradient[:, self.most :] = 0
        return gradient


class AllClasses(Classes):
    most = 10**6


@pytest.mark.parametrize(
    ("cls", "check", "words"),
    [
        (FlatBeyond20, "magnitudes", "wrong on large ones"),
        (ClippedAt50, "magnitudes", "wrong on large ones"),
        (HalvedWhereSmall, "magnitudes", "wrong on tiny ones"),
        (LosesABlockOf512, "rows", "the last 87 of 1111 rows have no gradient"),
        (LosesColumns, "widths", "on (4, 303)"),
        (Classes, "widths", "on (5, 303)"),
        (FlatTail, "tails", "a small slope that is taken for zero"),
    ],
)
def test_a_fault_is_seen_and_named(finding, cls, check, words):
    assert words in finding(cls, f"loss.{check}")


@pytest.mark.parametrize("cls", [Square, Logistic, AllClasses, cn.CrossEntropyLoss, cn.BCEWithLogitsLoss, cn.MAELoss])
@pytest.mark.parametrize("check", ["rows", "widths", "magnitudes", "tails"])
def test_right_losses_pass(finding, cls, check):
    assert finding(cls, f"loss.{check}") == ""
