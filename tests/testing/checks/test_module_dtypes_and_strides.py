"""Faults that a module shows in one dtype or memory layout only, each planted in a module that is right without it."""

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


class DoubleIntermediate(Affine):
    def forward(self, input):
        return super().forward(input) + torch.zeros(3, dtype=torch.float64)


class DoubleGradient(Affine):
    def input_gradient(self, grad_output, input):
        return grad_output * self.weight.double()


class SingleIntermediate(Affine):
    def forward(self, input):
        return super().forward(input).float().to(input.dtype)


class SingleParameter(Affine):
    def over_samples(self, gradient):
        return super().over_samples(gradient.half().float()).to(gradient.dtype)


class LogSumExp(cn.Module):
    """``y = log Σ eˣ`` over the features."""

    case = cn.Case(domain=(90.0, 100.0))

    def forward(self, input):
        output = self.function(input)
        self.save(input, output)
        return output

    def backward(self, grad_output):
        input, output = self.saved()
        return grad_output * torch.exp(input - output)

    def function(self, input):
        return input.logsumexp(-1, keepdim=True)


class Overflows(LogSumExp):
    def function(self, input):
        return input.exp().sum(-1, keepdim=True).log()


class Viewed(Affine):
    case = cn.Case(shape=(2, 2, 3))

    def over_samples(self, gradient):
        return gradient.view(-1, 3).sum(0)


class ViewedInForward(Affine):
    case = cn.Case(shape=(2, 2, 3))

    def forward(self, input):
        return super().forward(input.view(-1, 3).view(input.shape))


class ReadsMemoryInOrder(Affine):
    def forward(self, input):
        return super().forward(input.as_strided(input.shape, torch.empty(input.shape).stride()))


class ReadsUpstreamInOrder(Affine):
    def input_gradient(self, grad_output, input):
        return self.weight * grad_output.as_strided(grad_output.shape, torch.empty(grad_output.shape).stride())


class KnowsContiguousOnly(Affine):
    def input_gradient(self, grad_output, input):
        return self.weight * (grad_output if grad_output.is_contiguous() else 1)


class ReadsTheStorage(Affine):
    def over_samples(self, gradient):
        flat = torch.empty(0, dtype=gradient.dtype).set_(gradient.untyped_storage())
        return flat[: gradient.numel()].reshape(-1, 3).sum(0)


FAULTS = {
    "float64 on the way": (DoubleIntermediate, "float32", "the output is torch.float64"),
    "float64 gradient": (DoubleGradient, "float32", "the gradient of input is torch.float64"),
    "float32 on the way": (SingleIntermediate, "input_gradient", "the gradient of input"),
    "float16 on the way": (SingleParameter, "parameter_gradients", "float32 inside"),
    "overflows": (Overflows, "float32", "the output"),
    "viewed": (Viewed, "strides", "view"),
    "viewed in forward": (ViewedInForward, "strides", "view"),
    "reads memory in order": (ReadsMemoryInOrder, "strides", "contiguous"),
    "reads upstream in order": (ReadsUpstreamInOrder, "strides", "contiguous"),
    "knows contiguous only": (KnowsContiguousOnly, "strides", "contiguous"),
    "reads the storage": (ReadsTheStorage, "strides", "contiguous"),
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
