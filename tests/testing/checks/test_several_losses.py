"""The kit on losses of several outputs and targets, with targets of their own kind, with a parameter."""

import pytest
import torch

import corenet as cn
from corenet.testing import check_component


class Both(cn.Loss):
    """``MSE(a, s) + 0.3 BCE(b, t)`` of logits ``b``."""

    def __init__(self, reduction="mean"):
        self.number, self.answer = cn.MSELoss(reduction), cn.BCEWithLogitsLoss(reduction=reduction)

    def forward(self, outputs, targets):
        (a, b), (s, t) = outputs, targets
        return self.number(a, s) + 0.3 * self.answer(b, t)

    def backward(self):
        return self.number.backward(), 0.3 * self.answer.backward()

    @staticmethod
    def conformance_cases():
        def outputs(generator):
            return tuple(torch.randn(2, 4, 3, generator=generator))

        def targets(generator):
            return torch.randn(4, 3, generator=generator), (torch.rand(4, 3, generator=generator) > 0.5).float()

        return [cn.Case({"reduction": each}, inputs=outputs, targets=targets) for each in ("mean", "sum")]


class Divergence(cn.Loss):
    """``Σ t (log t − x)`` of log-probabilities ``x`` and rows ``t`` that sum to 1."""

    def check(self, input, target):
        if input.shape != target.shape:
            raise cn.ShapeError("Divergence", target.shape, f"expected {tuple(input.shape)}")

    def forward(self, input, target):
        self.save(target)
        return (target * (target.log() - input)).sum()

    def backward(self):
        (target,) = self.saved()
        return -target

    @staticmethod
    def conformance_cases():
        return [cn.Case(targets=lambda generator: torch.randn(4, 3, generator=generator).softmax(-1))]


class Uncertain(cn.Loss):
    """``mean (x − t)² e⁻ˢ + s`` with a learnt ``s``."""

    def __init__(self):
        self.s = cn.Parameter(torch.tensor(0.4))

    def check(self, input, target):
        if input.shape != target.shape or not input.numel():
            raise cn.ShapeError("Uncertain", target.shape, f"expected {tuple(input.shape)}")

    def forward(self, input, target):
        gap = input - target
        self.save(gap)
        return gap.square().mean() * (-self.s).exp() + self.s

    def backward(self):
        (gap,) = self.saved()
        self.s.grad += 1 - gap.square().mean() * (-self.s).exp()
        return 2 * gap * (-self.s).exp() / gap.numel()


@pytest.mark.parametrize("cls", [Both, Divergence, Uncertain])
def test_nothing_is_wrong_with_a_right_one(cls):
    report = check_component(cls)
    assert report.ok, report
    skipped = {result.check for result in report.results if result.verdict == "skipped"}
    assert {"loss.gradient", "loss.rows", "loss.permutation", "loss.half_precision", "loss.compiled"}.isdisjoint(
        skipped
    )


def variant(base, **methods):
    return type(base.__name__, (base,), {"__module__": __name__, **methods})


def assigned(self):
    (gap,) = self.saved()
    self.s.grad.copy_(1 - gap.square().mean() * (-self.s).exp())
    return 2 * gap * (-self.s).exp() / gap.numel()


@pytest.mark.parametrize(
    ("cls", "check", "words"),
    [
        (
            variant(Both, backward=lambda self: Both.backward(self)[::-1]),
            "loss.gradient",
            "exchanged: this is the gradient",
        ),
        (
            variant(Both, backward=lambda self: (self.number.backward(), self.answer.backward())),
            "loss.gradient",
            "the gradient of input 1",
        ),
        (variant(Both, backward=lambda self: self.number.backward()), "loss.runs", "returns 1 gradients"),
        (variant(Divergence, backward=lambda self: self.saved()[0].clone()), "loss.gradient", "the sign is wrong"),
        (variant(Uncertain, backward=assigned), "loss.gradient", "assigned, not accumulated"),
        (
            variant(Both, backward=lambda self: tuple(each.float() for each in Both.backward(self))),
            "loss.precision",
            "float32 inside",
        ),
    ],
)
def test_a_mistake_is_caught_and_named(cls, check, words, finding):
    assert finding(cls.__bases__[0], check) == ""
    assert words in finding(cls, check)


def test_a_target_that_is_overwritten_is_named(finding):
    class Overwrites(Both):
        def forward(self, outputs, targets):
            targets[1].mul_(0.5)
            return super().forward(outputs, targets)

    assert "forward changes target 1 in place" in finding(Overwrites, "loss.arguments_unchanged")
