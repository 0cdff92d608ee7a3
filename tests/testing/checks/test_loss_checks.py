"""The built-in losses and unusual ones keep each promise, and each planted fault is found by its check."""

import math

import pytest
import torch

import corenet as cn
from corenet.testing.conformance import CHECKS

IDS = [check.id for check in CHECKS["loss"]]


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


# Faults in the gradient.


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


# Faults in the number.


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


# Faults in manners.


class ChangesInput(Squared):
    def forward(self, input, target):
        value = super().forward(input, target)
        input.sub_(target)
        return value

    def backward(self):
        self._saved.versions = [tensor._version for tensor in self._saved.tensors]
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
        input, target = self._saved.tensors
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


class Borrows(Squared):
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


FAULTS = [
    (NeverRuns, "runs", 'test_loss_checks.py:32: raise RuntimeError("no")'),
    (ReturnsANumber, "runs", "forward returns float, not a tensor"),
    (NoMean, "gradient", "missing"),
    (MeanTwice, "gradient", "divided by"),
    (MeanOfTheSum, "gradient", "reduction='sum'"),
    (OtherSign, "gradient", "sign"),
    (NoTwo, "gradient", "a factor 2 is missing"),
    (ForgetsWeight, "gradient", "weight=tensor(3,)"),
    (OnlyPositive, "gradient", "where input < 0"),
    (ForgetsClassWeight, "gradient", "weight=tensor(3,)"),
    (CountsClasses, "gradient", "(5, 3)"),
    (SquaresOne, "gradient_of_one_sample", "(1, 3)"),
    (NeverReduces, "value", "has the shape (4,), not ()"),
    (Broadcasts, "shape_mismatch", "broadcast"),
    (RuntimeErrors, "shape_mismatch", "RuntimeError"),
    (ComparesLengthOnly, "shape_mismatch", "input (4, 3) and target (4, 3, 1)"),
    (BareLogarithm, "edges", "value is"),
    (Root, "edges", "gradient is nan for a target equal to the input"),
    (CountsPlaces, "permutation", "permuted"),
    (Centred, "per_sample_sum", "depends on the others"),
    (DividesTwice, "per_sample_sum", "divided by 4 a second time"),
    (ReducesTwice, "reductions", "12 times too small"),
    (EmptyIsNaN, "empty_batch", "nan"),
    (AlwaysDouble, "float32", "torch.float64"),
    (ReadsMemory, "strides", "strided"),
    (ChangesInput, "arguments_unchanged", "forward changes input"),
    (ChangesTarget, "arguments_unchanged", "backward changes target"),
    (HandsOutTarget, "arguments_unchanged", "shares its memory with target"),
    (KeepsAttribute, "order_of_calls", "backward twice"),
    (GivesTwice, "order_of_calls", "backward twice"),
    (Remembers, "evaluated_again", "earlier evaluation"),
    (HoldsFunction, "copies", "pickle"),
    (Borrows, "no_borrowed_gradient", "autograd"),
    (Records, "no_borrowed_gradient", "requires grad"),
    (Branches, "compiled", "cannot capture"),
    (CountsFromTheEnd, "unknown_class", "class -1 of 3 is accepted"),
]


@pytest.mark.parametrize(("cls", "check", "word"), FAULTS, ids=lambda each: getattr(each, "__name__", None))
def test_a_planted_fault_is_found_by_its_check(finding, cls, check, word):
    assert word in finding(cls, f"loss.{check}")


# Right losses, however unusual.


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


BUILT_IN = [cn.MSELoss, cn.MAELoss, cn.BCELoss, cn.BCEWithLogitsLoss]
UNUSUAL = [Squared, CrossEntropy, Huber, Quantile, Hinge, LogCosh, PoissonNLL, KLDivergence, Cosine, PerSampleWeights]
SLOW = "loss.compiled"


@pytest.mark.parametrize("cls", BUILT_IN + UNUSUAL)
def test_a_right_loss_keeps_each_promise(finding, cls):
    assert {check: found for check in IDS if check != SLOW and (found := finding(cls, check))} == {}


@pytest.mark.parametrize("cls", [cn.BCEWithLogitsLoss, CrossEntropy])
def test_a_right_loss_is_captured_whole(finding, cls):
    assert finding(cls, SLOW) == ""


def test_every_check_has_a_fault_to_find():
    assert {f"loss.{check}" for _, check, _ in FAULTS} == set(IDS)
