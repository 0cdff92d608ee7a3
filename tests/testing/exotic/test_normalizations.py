"""Right modules that look along an axis: the kit finds nothing wrong with them."""

import pytest
import torch

import corenet as cn
from corenet.testing import check_component


class Softmax(cn.Module):
    def forward(self, input):
        output = torch.softmax(input, -1)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        return output * (grad_output - (grad_output * output).sum(-1, keepdim=True))


class LogSoftmax(cn.Module):
    def forward(self, input):
        output = input - input.logsumexp(-1, keepdim=True)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        return grad_output - output.exp() * grad_output.sum(-1, keepdim=True)


class LayerNorm(cn.Module):
    def __init__(self, features=6, eps=1e-5):
        self.eps = eps
        self.weight = cn.Parameter(torch.rand(features) + 0.5)
        self.bias = cn.Parameter(torch.rand(features))

    def forward(self, input):
        centred = input - input.mean(-1, keepdim=True)
        scale = torch.rsqrt((centred**2).mean(-1, keepdim=True) + self.eps)
        normal = centred * scale
        self.save(normal, scale)
        return self.weight * normal + self.bias

    def backward(self, grad_output):
        normal, scale = self.saved()
        self.weight.grad += (grad_output * normal).flatten(end_dim=-2).sum(0)
        self.bias.grad += grad_output.flatten(end_dim=-2).sum(0)
        grad = grad_output * self.weight
        mean, along = grad.mean(-1, keepdim=True), (grad * normal).mean(-1, keepdim=True)
        return scale * (grad - mean - normal * along)


class RMSNorm(cn.Module):
    def __init__(self, features=3):
        self.weight = cn.Parameter(torch.rand(features) + 0.5)

    def forward(self, input):
        scale = torch.rsqrt((input**2).mean(-1, keepdim=True) + 1e-5)
        self.save(input * scale, scale)
        return self.weight * input * scale

    def backward(self, grad_output):
        normal, scale = self.saved()
        self.weight.grad += (grad_output * normal).reshape(-1, len(self.weight)).sum(0)
        grad = grad_output * self.weight
        return scale * (grad - normal * (grad * normal).mean(-1, keepdim=True))


class BatchNorm(cn.Module):
    """Takes (N, features) with N > 1 in training; its running statistics are buffers."""

    def __init__(self, features=3, momentum=0.1):
        self.momentum = momentum
        self.weight = cn.Parameter(torch.rand(features) + 0.5)
        self.bias = cn.Parameter(torch.rand(features))
        self.running_mean = cn.Buffer(torch.zeros(features))
        self.running_var = cn.Buffer(torch.ones(features))
        self.batches = cn.Buffer(torch.tensor(0))

    def check(self, input):
        if input.dim() != 2 or (self.training and len(input) < 2):
            raise cn.errors.ShapeError("BatchNorm", input.shape, "expected (N, features) with N > 1")

    def forward(self, input):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = input.mean(0), input.var(0, correction=0)
            self.running_mean.mul_(1 - self.momentum).add_(self.momentum * mean)
            self.running_var.mul_(1 - self.momentum).add_(self.momentum * var)
            self.batches.add_(1)
        scale = torch.rsqrt(var + 1e-5)
        normal = (input - mean) * scale
        self.save(normal, scale)
        return self.weight * normal + self.bias

    def backward(self, grad_output):
        normal, scale = self.saved()
        self.weight.grad += (grad_output * normal).sum(0)
        self.bias.grad += grad_output.sum(0)
        grad = grad_output * self.weight
        return scale * (grad - grad.mean(0) - normal * (grad * normal).mean(0))


class UnitLength(cn.Module):
    def forward(self, input):
        length = input.norm(dim=-1, keepdim=True)
        self.save(input / length, length)
        return input / length

    def backward(self, grad_output):
        direction, length = self.saved()
        return (grad_output - direction * (grad_output * direction).sum(-1, keepdim=True)) / length


class Centre(cn.Module):
    """``y = x − mean(x)``, over the features; the derivative is the function itself."""

    def forward(self, input):
        return input - input.mean(-1, keepdim=True)

    def backward(self, grad_output):
        return grad_output - grad_output.mean(-1, keepdim=True)


RIGHT = {
    "softmax": (Softmax, cn.Case()),
    "log-softmax": (LogSoftmax, cn.Case(domain=(-20.0, 20.0))),
    "layer norm": (LayerNorm, cn.Case(shape=(4, 6))),
    "rms norm": (RMSNorm, cn.Case()),
    "batch norm": (BatchNorm, cn.Case()),
    "batch norm of two": (BatchNorm, cn.Case(shape=(2, 3))),
    "unit length": (UnitLength, cn.Case()),
    "centre": (Centre, cn.Case()),
}


@pytest.mark.parametrize(("component", "case"), RIGHT.values(), ids=RIGHT)
def test_nothing_is_wrong_with(component, case):
    report = check_component(component, cases=[case])
    assert report.ok, str(report)
