"""The kit finds metrics that depend on how the points come, and clears those that do not."""

import pytest
import torch

import corenet as cn
from corenet.testing import check_component


class Right(cn.Metric):
    """The mean distance; one to plant faults in."""

    def reset(self):
        self.total, self.count = 0.0, 0

    def update(self, output, target):
        self.total += (output - target).abs().double().sum().item()
        self.count += target.numel()

    def compute(self):
        return self.total / self.count


class Keeps(cn.Metric):
    """The median, which needs all points."""

    def reset(self):
        self.distances = []

    def update(self, output, target):
        self.distances.append((output - target).abs().double())

    def compute(self):
        return torch.cat(self.distances).median()


class OfClasses(Right):
    reads = "classes"

    @staticmethod
    def conformance_cases():
        return [cn.Case(shape=(4,)), cn.Case(shape=(4,), classes=5)]

    def update(self, output, target):
        self.total += (output != target).double().sum().item()
        self.count += len(target)


class MeanOfMeans(Right):
    """Weighs every piece alike."""

    def update(self, output, target):
        self.total += (output - target).abs().double().mean().item()
        self.count += 1


class LastPiece(Right):
    def update(self, output, target):
        self.reset()
        super().update(output, target)


class NeverForgets(Right):
    def __init__(self):
        super().reset()

    def reset(self):
        pass


class Spends(Right):
    """Counts a point more at each question."""

    def compute(self):
        self.count += 1
        return self.total / (self.count - 1)


class Overwrites(Right):
    def update(self, output, target):
        super().update(output.sub_(target), torch.zeros_like(target))


class KeepsViews(Keeps):
    def update(self, output, target):
        self.distances.append((output, target))

    def compute(self):
        return torch.cat([(output - target).abs().double() for output, target in self.distances]).median()


class Shared(Keeps):
    """All its copies add to one list."""

    def __deepcopy__(self, memo):
        other = type(self)()
        other.distances = self.distances
        return other


class Autograd(Right):
    def update(self, output, target):
        with torch.enable_grad():
            leaf = output.clone().requires_grad_()
            (leaf**2).sum().backward()
        super().update(output, target)


class Half(Right):
    """Loses digits in single precision."""

    def update(self, output, target):
        scale = 1e9 if output.dtype == torch.float32 else 0.0
        super().update(output + scale, target + scale)


class Word(Right):
    def compute(self):
        return "good"


class NaN(Right):
    def compute(self):
        return float("nan")


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Word, "metric.runs", "compute() returns 'good', not a number or several"),
        (NaN, "metric.runs", "of 23 points it is nan, not finite"),
        (MeanOfMeans, "metric.streams", "in pieces of 1, 22 … points it is "),
        (LastPiece, "metric.streams", "in pieces of 1, 22 … points it is "),
        (Overwrites, "metric.arguments_unchanged", "update() changes its output"),
        (KeepsViews, "metric.keeps_no_view", "after output and target were overwritten it is 0, not "),
        (Shared, "metric.copies", "a deep copy"),
        (Half, "metric.float32", "in float32 it is "),
        (Autograd, "metric.no_borrowed_gradient", "torch's autograd was asked for a gradient"),
    ],
)
def test_a_fault_is_found_once_and_named(cls, check, message):
    report = check_component(cls)
    assert [failure.check for failure in report.failures] == [check]
    assert message in report.failures[0].message


@pytest.mark.parametrize("cls", [NeverForgets, Spends])
def test_what_is_not_forgotten_is_found(cls):
    assert "metric.resets" in [failure.check for failure in check_component(cls).failures]


@pytest.mark.parametrize("cls", [Right, Keeps, OfClasses])
def test_a_right_one_passes(cls):
    report = check_component(cls)
    assert report.ok, str(report)
    assert [each.check for each in report.results if each.verdict == "skipped"] == (
        ["metric.float32"] if cls is OfClasses else []
    )
