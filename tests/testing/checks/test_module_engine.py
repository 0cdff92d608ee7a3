"""Faults that the checks for the engines must catch, each planted in a module that is right without it."""

import numpy
import pytest
import torch

import corenet as cn
from corenet.testing import check_component


class Tanh(cn.Module):
    def forward(self, input):
        output = self.function(input)
        self.save(input, output)
        return output

    def backward(self, grad_output):
        input, output = self.saved()
        return self.derivative(grad_output, input, output)

    def function(self, input):
        return torch.tanh(input)

    def derivative(self, grad_output, input, output):
        return grad_output * (1 - output**2)


# Gradients by torch's autograd.


class UsesAutograd(Tanh):
    def derivative(self, grad_output, input, output):
        input = input.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(torch.tanh(input), input, grad_output)
        return gradient


class UsesTensorBackward(Tanh):
    def derivative(self, grad_output, input, output):
        input = input.detach().requires_grad_()
        torch.tanh(input).backward(grad_output)
        return input.grad


class UsesAutogradInForward(Tanh):
    def forward(self, input):
        leaf = input.detach().requires_grad_()
        output = torch.tanh(leaf)
        (slope,) = torch.autograd.grad(output.sum(), leaf)
        self.save(slope, input)
        return output.detach()

    def derivative(self, grad_output, slope, _):
        return grad_output * slope


class UsesFunctionalVjp(Tanh):
    def derivative(self, grad_output, input, output):
        _, pull_back = torch.func.vjp(torch.tanh, input)
        return pull_back(grad_output)[0]


class UsesForwardMode(Tanh):
    def derivative(self, grad_output, input, output):
        return torch.func.jvp(torch.tanh, (input,), (grad_output,))[1]


class UsesALayerOfTorch(Tanh):
    def derivative(self, grad_output, input, output):
        input = input.detach().requires_grad_()
        loss = (torch.nn.Tanh()(input) * grad_output).sum()
        torch.autograd.backward(loss)
        return input.grad


class UsesAFunctionalJacobian(Tanh):
    def derivative(self, grad_output, input, output):
        jacobian = torch.autograd.functional.jacobian(torch.tanh, input)
        return torch.einsum("ij,ijkl->kl", grad_output, jacobian)


# What cannot be captured.


class Item(Tanh):
    def function(self, input):
        return torch.tanh(input) * max(input.abs().max().item(), 1) / max(input.abs().max().item(), 1)


class Branches(Tanh):
    def function(self, input):
        if input.sum() > 0:
            return torch.tanh(input)
        return -torch.tanh(-input)


class BranchesInBackward(Tanh):
    def derivative(self, grad_output, input, output):
        if (output == 0).all():
            return grad_output
        return super().derivative(grad_output, input, output)


class ChoosesByMask(Tanh):
    def function(self, input):
        output = torch.zeros_like(input)
        output[input != 0] = torch.tanh(input[input != 0])
        return output


class Numpy(Tanh):
    def function(self, input):
        return torch.from_numpy(numpy.tanh(input.numpy()))


class Prints(Tanh):
    def function(self, input):
        print("tanh of", input.shape)
        return torch.tanh(input)


class ReadsAFile(Tanh):
    def function(self, input):
        with open(__file__) as file:
            file.readline()
        return torch.tanh(input)


class AsksForThePointer(Tanh):
    def function(self, input):
        return torch.tanh(input) if input.data_ptr() % 8 == 0 else torch.tanh(input.clone())


class ListOfNumbers(Tanh):
    def function(self, input):
        return torch.tensor([torch.tanh(x) for x in input.flatten()], dtype=input.dtype).view(input.shape)


class WritesIntoAnUnmappedTensor(Tanh):
    def function(self, input):
        return torch.zeros(input.shape, dtype=input.dtype).add_(torch.tanh(input))


class WritesRows(Tanh):
    def derivative(self, grad_output, input, output):
        result = torch.empty(input.shape, dtype=input.dtype)
        result[:] = grad_output * (1 - output**2)
        return result


class AnotherWhereCompiled(Tanh):
    def function(self, input):
        return torch.tanh(input) * (2 if torch.compiler.is_compiling() else 1)


class CountsItsCalls(Tanh):
    calls = 0

    def function(self, input):
        self.calls += 1
        return self.calls * torch.tanh(input)


FAULTS = {
    "autograd.grad": (UsesAutograd, "no_borrowed_gradient", "autograd"),
    "Tensor.backward": (UsesTensorBackward, "no_borrowed_gradient", "autograd"),
    "autograd in forward": (UsesAutogradInForward, "no_borrowed_gradient", "autograd"),
    "func.vjp": (UsesFunctionalVjp, "no_borrowed_gradient", "autograd"),
    "func.jvp": (UsesForwardMode, "no_borrowed_gradient", "autograd"),
    "a layer of torch.nn": (UsesALayerOfTorch, "no_borrowed_gradient", "autograd"),
    "functional.jacobian": (UsesAFunctionalJacobian, "no_borrowed_gradient", "autograd"),
    "item": (Item, "mapped", ".item()"),
    "branches, compiled": (Branches, "compiled", "branch"),
    "branches, mapped": (Branches, "mapped", "branch"),
    "branches in backward, compiled": (BranchesInBackward, "compiled", "branch"),
    "branches in backward, mapped": (BranchesInBackward, "mapped", "branch"),
    "chooses by mask": (ChoosesByMask, "mapped", "vmap"),
    "numpy": (Numpy, "mapped", "numpy"),
    "reads a file": (ReadsAFile, "compiled", "capture"),
    "asks for the pointer": (AsksForThePointer, "compiled", "capture"),
    "a list of numbers": (ListOfNumbers, "mapped", "vmap"),
    "writes into an unmapped tensor": (WritesIntoAnUnmappedTensor, "mapped", "vmap"),
    "writes rows": (WritesRows, "mapped", "vmap"),
    "another where compiled": (AnotherWhereCompiled, "compiled", "the output is"),
    "counts its calls": (CountsItsCalls, "mapped", "the output is"),
}
COUNTERPARTS = {fault.__base__ for fault, _, _ in FAULTS.values()}


@pytest.mark.parametrize(("fault", "check", "word"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_caught(finding, fault, check, word):
    assert word in finding(fault, f"module.{check}", cn.Case())


@pytest.mark.parametrize("counterpart", sorted(COUNTERPARTS, key=repr), ids=lambda each: each.__name__)
def test_its_counterpart_without_the_fault_passes(counterpart):
    report = check_component(counterpart, cases=[cn.Case()])
    assert report.ok, str(report)


def test_a_layer_that_prints_is_not_accused_for_what_no_engine_captures():
    report = check_component(Prints)
    assert report.ok
    [compiled] = [each for each in report.results if each.check == "module.compiled"]
    assert (compiled.verdict, "prints" in compiled.message) == ("skipped", True)
