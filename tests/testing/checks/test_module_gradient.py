"""Faults in how a module adds up its gradients, over calls and over samples, each planted in a right module."""

import pytest
import torch

import corenet as cn
from corenet.testing import check_component


class Affine(cn.Module):
    """``y = w·x + b``, feature by feature, for any leading dimensions."""

    def __init__(self):
        self.weight = cn.Parameter(torch.rand(3) + 0.5)
        self.bias = cn.Parameter(torch.rand(3))

    def forward(self, input):
        self.save(input)
        return self.weight * input + self.bias

    def backward(self, grad_output):
        (input,) = self.saved()
        self.add(self.weight, self.over_samples(grad_output * input))
        self.add(self.bias, self.over_samples(grad_output))
        return self.input_gradient(grad_output, input)

    def add(self, parameter, gradient):
        parameter.grad += gradient

    def over_samples(self, gradient):
        return gradient.reshape(-1, 3).sum(0)

    def input_gradient(self, grad_output, input):
        return self.weight * grad_output


class Assigned(Affine):
    def add(self, parameter, gradient):
        parameter.grad.copy_(gradient)


class Zeroed(Affine):
    def backward(self, grad_output):
        self.zero_grad()
        return super().backward(grad_output)


class Replaced(Affine):
    def add(self, parameter, gradient):
        parameter.grad = gradient


class AddedInANewTensor(Affine):
    def add(self, parameter, gradient):
        parameter.grad = parameter.grad + gradient


class Doubled(Affine):
    def add(self, parameter, gradient):
        parameter.grad += parameter.grad + gradient


class CountsItsCalls(Affine):
    calls = 0

    def backward(self, grad_output):
        self.calls += 1
        return super().backward(grad_output)

    def add(self, parameter, gradient):
        parameter.grad += self.calls * gradient


class RightAtTheFirstCallOnly(Affine):
    done = False

    def add(self, parameter, gradient):
        if not self.done:
            parameter.grad += gradient
        self.done = parameter is self.bias


class Halved(Affine):
    """Averages with what is there instead of adding."""

    def add(self, parameter, gradient):
        parameter.grad.copy_(gradient if not parameter.grad.any() else (parameter.grad + gradient) / 1.5)


class DecaysInBackward(Affine):
    def add(self, parameter, gradient):
        parameter.grad += gradient + 0.1 * parameter


class HalfOfAHalf(Affine):
    def backward_parameters(self, grad_output):
        (input,) = self.saved()
        self.add(self.weight, self.over_samples(grad_output * input))


class ReturnsNothing(Affine):
    def input_gradient(self, grad_output, input):
        pass


class Squeezed(Affine):
    def forward(self, input):
        return super().forward(input).squeeze()


class Standardized(cn.Module):
    """``y = (x − mean) / std`` over the samples, of which there must be two."""

    correction = 0

    def check(self, input):
        if input.dim() != 2 or len(input) < 1:
            raise cn.errors.ShapeError("Standardized", input.shape, "expected (N, features)")

    def forward(self, input):
        centred = input - input.mean(0)
        variance = (centred**2).sum(0) / (len(input) - self.correction)
        scale = 1 / (variance + 1e-3).sqrt()
        normal = centred * scale
        self.save(normal, scale)
        return normal

    def backward(self, grad_output):
        normal, scale = self.saved()
        count = len(normal) - self.correction
        return scale * (grad_output - grad_output.mean(0) - normal * (grad_output * normal).sum(0) / count)


class DividedByOneLess(Standardized):
    correction = 1


class OneIsSpecial(Affine):
    def input_gradient(self, grad_output, input):
        return grad_output if len(grad_output) == 1 else self.weight * grad_output


class SumsOneDimension(Affine):
    def over_samples(self, gradient):
        return gradient.sum(0)


class FirstOfEach(Affine):
    def over_samples(self, gradient):
        return gradient.reshape(len(gradient), -1, 3)[:, 0].sum(0)


class CentredFeatures(cn.Module):
    """``y = x − mean(x)`` over the features."""

    def forward(self, input):
        return input - input.mean(-1, keepdim=True)

    def backward(self, grad_output):
        return grad_output - grad_output.mean(-1, keepdim=True)


class SecondDimensionForTheLast(CentredFeatures):
    def backward(self, grad_output):
        return grad_output - grad_output.mean(1, keepdim=True)


class TransposesTwoDimensions(Affine):
    def over_samples(self, gradient):
        return gradient.transpose(0, 1).reshape(3, -1).sum(1)


class MeanOfNothing(Affine):
    def over_samples(self, gradient):
        return super().over_samples(gradient) / len(gradient) * len(gradient)


class SomethingForNothing(Affine):
    def add(self, parameter, gradient):
        parameter.grad += gradient if gradient.any() else 1e-3


class NeedsAFirstSample(Affine):
    def over_samples(self, gradient):
        rows = gradient.reshape(-1, 3)
        return rows[0] + rows[1:].sum(0)


class PadsTheEmpty(Affine):
    def forward(self, input):
        return super().forward(input if len(input) else input.new_zeros(1, 3))


FAULTS = {
    "assigned": (Assigned, "accumulates", "assigned, not accumulated"),
    "zeroed before": (Zeroed, "accumulates", "assigned, not accumulated"),
    "replaced": (Replaced, "accumulates", "+="),
    "added in a new tensor": (AddedInANewTensor, "accumulates", "+="),
    "doubled": (Doubled, "accumulates", "doubled in the second"),
    "counts its calls": (CountsItsCalls, "accumulates", "doubled in the second"),
    "right at the first call only": (RightAtTheFirstCallOnly, "accumulates", "two backwards"),
    "halved": (Halved, "accumulates", "depends on the first"),
    "decays in backward": (DecaysInBackward, "parameter_gradients", "decay"),
    "half of a half": (HalfOfAHalf, "parameter_gradients", "bias by backward_parameters"),
    "returns nothing": (ReturnsNothing, "accumulates", "backward returns None, not a tensor"),
    "squeezed": (Squeezed, "batch_of_one", "gradient of input"),
    "divided by one less": (DividedByOneLess, "batch_of_one", "not finite"),
    "one is special": (OneIsSpecial, "batch_of_one", "passed on"),
    "sums one dimension": (SumsOneDimension, "leading_dimension", "check()"),
    "first of each": (FirstOfEach, "leading_dimension", "weight"),
    "second dimension for the last": (SecondDimensionForTheLast, "leading_dimension", "input"),
    "transposes two dimensions": (TransposesTwoDimensions, "leading_dimension", "weight"),
    "mean of nothing": (MeanOfNothing, "empty_batch", "nan"),
    "something for nothing": (SomethingForNothing, "empty_batch", "0.001"),
    "needs a first sample": (NeedsAFirstSample, "empty_batch", "IndexError"),
    "pads the empty": (PadsTheEmpty, "empty_batch", "output of (1, 3)"),
}
COUNTERPARTS = {fault.__base__ for fault, _, _ in FAULTS.values()}


def case_of(component):
    return getattr(component, "case", cn.Case())


@pytest.mark.parametrize(("fault", "check", "word"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_caught(finding, fault, check, word):
    assert word in finding(fault, f"module.{check}", case_of(fault))


@pytest.mark.parametrize("counterpart", sorted(COUNTERPARTS, key=repr), ids=lambda each: each.__name__)
def test_its_counterpart_without_the_fault_passes(counterpart):
    report = check_component(counterpart, cases=[case_of(counterpart)])
    assert report.ok, str(report)
