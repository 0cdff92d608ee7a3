"""Faults in the value or the gradient of a loss, each found by its check."""

import pytest
import torch

import corenet as cn
from corenet.testing.checks.loss_edges import LOSS_EDGES_CHECKS
from corenet.testing.checks.loss_gradient import LOSS_GRADIENT_CHECKS


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


class NeverRuns(Squared):
    def forward(self, input, target):
        raise RuntimeError("no")


class ReturnsANumber(Squared):
    def forward(self, input, target):
        return super().forward(input, target).item()


class NoMean(cn.MSELoss):
    def backward(self):
        return super().backward() * 12


class MeanTwice(cn.MSELoss):
    def backward(self):
        gradient = super().backward()
        return gradient / gradient.numel() if self.reduction == "mean" else gradient


class MeanOfTheSum(cn.MSELoss):
    def backward(self):
        gradient = super().backward()
        return gradient / gradient.numel() if self.reduction == "sum" else gradient


class OtherSign(cn.MSELoss):
    def derivative(self, input, target):
        return 2 * (target - input)


class NoTwo(cn.MSELoss):
    def derivative(self, input, target):
        return input - target


class ForgetsWeight(cn.BCELoss):
    def derivative(self, input, target):
        return (input - target) / (input * (1 - input))


class OnlyPositive(cn.MSELoss):
    def derivative(self, input, target):
        return 2 * (input - target) * (input > 0)


class SquaresOne(Squared):
    def backward(self):
        input, target = self.saved()
        difference = (input - target).squeeze()
        return (difference if difference.shape == input.shape else 2 * (input - target)).view(input.shape)


class BareLogarithm(cn.BCELoss):
    @staticmethod
    def conformance_cases():
        return [cn.Case(domain=(0.0, 1.0))]

    def elements(self, input, target):
        return -(target * input.log() + (1 - target) * (1 - input).log())


class Root(Squared):
    """A root of the whole, whose gradient 0 / 0 has no care taken of."""

    def forward(self, input, target):
        self.save(input, target)
        return (input - target).square().sum().sqrt()

    def backward(self):
        input, target = self.saved()
        return (input - target) / (input - target).norm()


class CountsPlaces(Squared):
    def forward(self, input, target):
        self.save(input, target)
        return (self._places(input) * (input - target).square()).sum() / 2

    def backward(self):
        input, target = self.saved()
        return self._places(input) * (input - target)

    def _places(self, input):
        return torch.arange(1, len(input) + 1, dtype=input.dtype).view(-1, *[1] * (input.dim() - 1))


class Centred(Squared):
    def forward(self, input, target):
        self.save(input, target)
        return self._off(input, target).square().sum() / 2

    def backward(self):
        return self._off(*self.saved())

    def _off(self, input, target):
        off = input - target
        return off - off.mean(0)


class ReducesTwice(cn.MSELoss):
    def forward(self, input, target):
        value = super().forward(input, target)
        return value / input.numel() if self.reduction == "mean" else value

    def backward(self):
        gradient = super().backward()
        return gradient / gradient.numel() if self.reduction == "mean" else gradient


class DividesTwice(Squared):
    def forward(self, input, target):
        return super().forward(input, target) / len(input) ** 2

    def backward(self):
        gradient = super().backward()
        return gradient / len(gradient) ** 2


class NeverReduces(cn.MSELoss):
    def forward(self, input, target):
        self.save(input, target)
        return (input - target).square().mean(-1)


class EmptyIsNaN(Squared):
    def forward(self, input, target):
        return super().forward(input, target) / len(input)

    def backward(self):
        gradient = super().backward()
        return gradient / max(len(gradient), 1)


class AlwaysDouble(Squared):
    def backward(self):
        return super().backward().double()


class ReadsMemory(Squared):
    """Takes the numbers in the order of the memory."""

    def backward(self):
        input, target = self.saved()
        rows = torch.empty_like(input, memory_format=torch.contiguous_format).stride()
        return input.as_strided(input.shape, rows) - target


FAULTS = [
    (NeverRuns, "runs", 'test_loss_gradient.py:29: raise RuntimeError("no")'),
    (ReturnsANumber, "runs", "forward returns float, not a tensor"),
    (NoMean, "gradient", "missing"),
    (MeanTwice, "gradient", "divided by"),
    (MeanOfTheSum, "gradient", "reduction='sum'"),
    (OtherSign, "gradient", "sign"),
    (NoTwo, "gradient", "a factor 2 is missing"),
    (ForgetsWeight, "gradient", "weight=tensor(3,)"),
    (OnlyPositive, "gradient", "where input < 0"),
    (SquaresOne, "gradient_of_one_sample", "(1, 3)"),
    (NeverReduces, "value", "has the shape (4,), not ()"),
    (BareLogarithm, "edges", "value is"),
    (Root, "edges", "gradient is nan for a target equal to the input"),
    (CountsPlaces, "permutation", "permuted"),
    (Centred, "per_sample_sum", "depends on the others"),
    (DividesTwice, "per_sample_sum", "divided by 4 a second time"),
    (ReducesTwice, "reductions", "12 times too small"),
    (EmptyIsNaN, "empty_batch", "nan"),
    (AlwaysDouble, "float32", "torch.float64"),
    (ReadsMemory, "strides", "strided"),
]


@pytest.mark.parametrize(("cls", "check", "word"), FAULTS, ids=lambda each: getattr(each, "__name__", None))
def test_a_planted_fault_is_found_by_its_check(finding, cls, check, word):
    assert word in finding(cls, f"loss.{check}")


def test_every_check_has_a_fault_to_find():
    assert {f"loss.{check}" for _, check, _ in FAULTS} == {
        check.id for check in [*LOSS_GRADIENT_CHECKS, *LOSS_EDGES_CHECKS]
    }
