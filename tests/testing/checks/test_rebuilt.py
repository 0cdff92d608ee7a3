"""A component is what its arguments and its state say; one that keeps another argument is caught."""

import pytest
import torch

import corenet as cn
from corenet.testing.conformance import CHECKS, run_check
from corenet.testing.support.trial import Trial


class Scale(cn.Module):
    """``y = a w x``, with the factor a and the weight w."""

    def __init__(self, factor=0.5, bias=True):
        self.factor = factor
        self.weight = cn.Parameter(torch.tensor([1.5]))
        self.bias = cn.Parameter(torch.tensor([0.3])) if bias else None

    def forward(self, input):
        self.save(input)
        output = self.factor * self.weight * input
        return output if self.bias is None else output + self.bias

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += self.factor * (grad_output * input).sum()
        if self.bias is not None:
            self.bias.grad += grad_output.sum()
        return self.factor * self.weight * grad_output


class KeepsTwice(Scale):
    def __init__(self, factor=0.5):
        super().__init__(2 * factor)


class KeepsNone(Scale):
    def __init__(self, gain=0.5):
        super().__init__(gain)


class KeepsAFunction(Scale):
    def __init__(self, factor=0.5, init=abs):
        super().__init__(factor)
        self.init = init


class LooksAtNumbers(Scale):
    def __init__(self, factor=0.5):
        super().__init__(factor)
        self.largest = self.weight.max().item()


class HasMore(Scale):
    def __init__(self, factor=0.5, width=1):
        super().__init__(factor)
        self.width = 2
        self.more = cn.Parameter(torch.zeros(width))


class Weighed(cn.MSELoss):
    def __init__(self, by=0.5, reduction="mean"):
        super().__init__(reduction)
        self.by = self.own = by

    def elements(self, input, target):
        return self.own * super().elements(input, target)

    def derivative(self, input, target):
        return self.own * super().derivative(input, target)


class LosesBy(Weighed):
    def __init__(self, by=0.5, reduction="mean"):
        super().__init__(by, reduction)
        self.by = 3.0


def result(cls, kind, case):
    (check,) = [each for each in CHECKS[kind] if each.id == f"{kind}.rebuilt"]
    return run_check(check, [Trial(cls, case)])


@pytest.mark.parametrize(
    ("cls", "kind", "word"),
    [
        (KeepsTwice, "module", "built again from what it keeps of its arguments, the output is"),
        (HasMore, "module", "raises ShapeError"),
        (LosesBy, "loss", "built again from what it keeps of its arguments, the value is"),
    ],
)
def test_an_argument_that_is_kept_otherwise_is_caught(cls, kind, word):
    found = result(cls, kind, cn.Case())
    assert (found.verdict, word in found.message) == ("failed", True), found
    assert "that is what cn.save writes" in found.diagnosis


def test_a_constructor_that_looks_at_numbers_is_caught():
    found = result(LooksAtNumbers, "module", cn.Case())
    assert (found.verdict, "without memory, it raises RuntimeError" in found.message) == ("failed", True), found
    assert "cn.load tries it on torch's meta device" in found.diagnosis
    assert "self.largest = self.weight.max().item()" in found.diagnosis


@pytest.mark.parametrize(
    ("cls", "why"),
    [
        (KeepsNone, "KeepsNone keeps no argument 'gain': assign self.gain in __init__"),
        (KeepsAFunction, "init is a builtin_function_or_method, which a file cannot hold"),
    ],
)
def test_an_argument_that_is_not_kept_is_the_reason_why_it_is_skipped(cls, why):
    found = result(cls, "module", cn.Case())
    assert (found.verdict, found.message) == ("skipped", why)


@pytest.mark.parametrize(
    ("cls", "kind", "case"),
    [
        (Scale, "module", cn.Case({"factor": 0.3})),
        (Scale, "module", cn.Case({"bias": False})),
        (Weighed, "loss", cn.Case({"by": 0.7})),
        (cn.CrossEntropyLoss, "loss", cn.Case({"weight": torch.tensor([0.3, 0.7, 2.0])}, (4, 3), classes=3)),
        (cn.Sequential, "module", cn.Case(args=(cn.Linear(3, 2), cn.Dropout(0.4)), shape=(5, 3))),
        (cn.SGD, "optimizer", cn.Case({"lr": 0.1, "momentum": 0.7, "nesterov": True})),
        (cn.Adam, "optimizer", cn.Case({"betas": (0.5, 0.7), "schedule": cn.CosineSchedule(9)})),
    ],
)
def test_what_keeps_its_arguments_passes(cls, kind, case):
    found = result(cls, kind, case)
    assert found.verdict == "passed", found.message
