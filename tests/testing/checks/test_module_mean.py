"""Dropouts whose training output has another mean than their evaluation output, and right ones of every size."""

import pytest
import torch

import corenet as cn
from corenet.testing import Case, check_component


class Dropped(cn.Module):
    """``y = m x / (1 − p)`` with a mask m of zeros and ones."""

    def __init__(self, p: float):
        self.p = p

    def forward(self, input):
        if not self.training:
            return self.evaluated(input)
        scale = self.scale() * (torch.rand(self.mask_shape(input)) >= self.p).to(input.dtype)
        self.save(scale)
        return input * scale

    def backward(self, grad_output):
        (scale,) = self.saved()
        return grad_output * scale

    def evaluated(self, input):
        return input.clone()

    def scale(self):
        return 1 / (1 - self.p)

    def mask_shape(self, input):
        return input.shape


class ForgetsToScale(Dropped):
    def scale(self):
        return 1.0


class ScalesByTheWrongProbability(Dropped):
    def scale(self):
        return 1 / self.p


class ScalesTwice(Dropped):
    def scale(self):
        return 1 / (1 - self.p) ** 2


class Whole(Dropped):
    """Drops all of its input, or nothing."""

    def mask_shape(self, input):
        return ()


class ScalesInEvaluation(Dropped):
    """``y = m x`` in training, ``y = (1 − p) x`` in evaluation."""

    def scale(self):
        return 1.0

    def evaluated(self, input):
        return (1 - self.p) * input


class RandomSize(Dropped):
    """An augmentation: one random factor, and nothing dropped."""

    def forward(self, input):
        if not self.training:
            return input.clone()
        scale = torch.rand(()).to(input.dtype) + 0.5
        self.save(scale)
        return input * scale * 2


def verdicts(component, p, seed=0):
    report = check_component(component, cases=[Case({"p": p}, shape=(4, 3))], seed=seed)
    return {each.check: each for each in report.results}


@pytest.mark.parametrize("component", [ForgetsToScale, ScalesByTheWrongProbability, ScalesTwice])
def test_another_mean_is_seen(component):
    found = verdicts(component, 0.3)["module.mean_of_training"]
    assert (found.verdict, "in evaluation it is 1" in found.message) == ("failed", True)


@pytest.mark.parametrize(
    ("component", "p", "verdict"),
    [
        (Dropped, 0.3, "passed"),
        (Dropped, 0.02, "passed"),
        (Dropped, 0.9, "passed"),
        (Whole, 0.5, "passed"),
        (Whole, 0.003, "skipped"),
        (Whole, 0.997, "skipped"),
        (ScalesInEvaluation, 0.3, "passed"),
        (RandomSize, 0.3, "skipped"),
        (cn.Dropout, 0.02, "passed"),
        (cn.Dropout, 0.5, "passed"),
    ],
)
def test_a_right_one_is_not_accused(component, p, verdict):
    assert verdicts(component, p)["module.mean_of_training"].verdict == verdict


@pytest.mark.parametrize("p", [0.02, 0.1])
def test_the_built_in_dropout_passes_with_a_small_p(p):
    report = check_component(cn.Dropout, cases=[Case({"p": p})])
    assert report.ok, report
