"""Faults in what a loss refuses, changes, keeps and asks of torch, each found by its check."""

import pytest
import torch

import corenet as cn
from corenet.testing.checks.loss_contract import LOSS_CONTRACT_CHECKS

ELSEWHERE = "loss.unknown_class"  # its faults are those of a loss of class indices: test_loss_of_classes.py


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


class Broadcasts(Squared):
    def check(self, input, target): ...


class RuntimeErrors(Broadcasts):
    def forward(self, input, target):
        self.save(input, target)
        return (input.flatten() - target.flatten()).square().sum() / 2


class ComparesLengthOnly(Broadcasts):
    def check(self, input, target):
        if len(input) != len(target):
            raise cn.ShapeError("input", input.shape, "another number of samples")


class ChangesInput(Squared):
    def forward(self, input, target):
        value = super().forward(input, target)
        input.sub_(target)
        return value

    def backward(self):
        self._saved.versions = [tensor._version for tensor in self._saved.values]
        return self.saved()[0].clone()


class ChangesTarget(Squared):
    def backward(self):
        input, target = self.saved()
        return input - target.mul_(2) + target / 2


class HandsOutTarget(Squared):
    """Σ x t, whose gradient is t."""

    def forward(self, input, target):
        self.save(target)
        return (input * target).sum()

    def backward(self):
        return self.saved()[0]


class KeepsAttribute(Squared):
    def forward(self, input, target):
        self.off = input - target
        return self.off.square().sum() / 2

    def backward(self):
        return self.off.clone()


class GivesTwice(Squared):
    def backward(self):
        input, target = self._saved.values
        return input - target


class Remembers(Squared):
    scale = 1.0

    def forward(self, input, target):
        value = super().forward(input, target) * self.scale
        self.used, self.scale = self.scale, self.scale * 0.5
        return value

    def backward(self):
        return super().backward() * self.used


class HoldsFunction(Squared):
    def __init__(self):
        self.power = lambda each: each.square()


class UsesAutograd(Squared):
    def backward(self):
        input, target = self.saved()
        leaf = input.clone().requires_grad_()
        return torch.autograd.grad((leaf - target).square().sum() / 2, leaf)[0]


class Records(Squared):
    """Lets torch record its value, of which nobody asks the gradient."""

    def forward(self, input, target):
        return super().forward(input.clone().requires_grad_(), target)


class Branches(Squared):
    def forward(self, input, target):
        value = super().forward(input, target)
        return value if value.item() >= 0 else -value


class HalfADigit(Squared):
    """A weight that was made for float32."""

    def backward(self):
        input, target = self.saved()
        return ((input - target).float() * 1.0).to(input.dtype)


class KeepsAnotherFactor(Squared):
    def __init__(self, factor=2.0):
        self._factor, self.own = 3 * factor, factor

    def forward(self, input, target):
        return self.own * super().forward(input, target)

    def backward(self):
        return self.own * super().backward()


FAULTS = [
    (KeepsAnotherFactor, "rebuilt", "built again from what it keeps of its arguments, the value is"),
    (HalfADigit, "precision", "((input - target).float() * 1.0)"),
    (Broadcasts, "shape_mismatch", "broadcast"),
    (RuntimeErrors, "shape_mismatch", "RuntimeError"),
    (ComparesLengthOnly, "shape_mismatch", "input (4, 3) and target (4, 3, 1)"),
    (ChangesInput, "arguments_unchanged", "forward changes input"),
    (ChangesTarget, "arguments_unchanged", "backward changes target"),
    (HandsOutTarget, "arguments_unchanged", "shares its memory with target"),
    (KeepsAttribute, "order_of_calls", "backward twice"),
    (GivesTwice, "order_of_calls", "backward twice"),
    (Remembers, "evaluated_again", "earlier evaluation"),
    (HoldsFunction, "copies", "pickle"),
    (UsesAutograd, "no_borrowed_gradient", "autograd"),
    (Records, "no_borrowed_gradient", "requires grad"),
    (Branches, "compiled", "cannot capture"),
]


@pytest.mark.parametrize(("cls", "check", "word"), FAULTS, ids=lambda each: getattr(each, "__name__", None))
def test_a_planted_fault_is_found_by_its_check(finding, cls, check, word):
    assert word in finding(cls, f"loss.{check}")


def test_every_check_has_a_fault_to_find():
    assert {f"loss.{check}" for _, check, _ in FAULTS} == {check.id for check in LOSS_CONTRACT_CHECKS} - {ELSEWHERE}
