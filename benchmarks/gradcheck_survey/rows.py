"""Right modules that look along an axis, or have parameters."""

from __future__ import annotations

import math

import torch

import corenet as cn
from benchmarks.gradcheck_survey.subject import Subject

MODERATE = (-1e6, 1e6)


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


class LogSumExp(cn.Module):
    def forward(self, input):
        self.save(input)
        return input.logsumexp(-1)

    def backward(self, grad_output):
        (input,) = self.saved()
        return grad_output[..., None] * input.softmax(-1)


class CausalSoftmax(Softmax):
    def forward(self, input):
        return super().forward(torch.where(torch.ones_like(input).tril() > 0, input, -math.inf))


class Masked(cn.Module):
    """Every other output is −∞, as the scores of what attention may not see."""

    def forward(self, input):
        mask = torch.arange(input.shape[-1]) % 2 == 1
        self.save(mask)
        return input.masked_fill(mask, -math.inf)

    def backward(self, grad_output):
        (mask,) = self.saved()
        return grad_output.masked_fill(mask, 0.0)


class AddedMask(cn.Module):
    """``x + mask`` with a mask of 0 and −∞."""

    def forward(self, input):
        return input + torch.where(torch.arange(input.shape[-1]) % 2 == 1, -math.inf, 0.0)

    def backward(self, grad_output):
        return grad_output.clone()


class LayerNorm(cn.Module):
    def __init__(self, width, eps=1e-5):
        self.eps = eps
        self.weight, self.bias = cn.Parameter(torch.rand(width) + 0.5), cn.Parameter(torch.rand(width))

    def forward(self, input):
        centred = input - input.mean(-1, keepdim=True)
        scale = torch.rsqrt((centred**2).mean(-1, keepdim=True) + self.eps)
        self.save(centred * scale, scale)
        return self.weight * centred * scale + self.bias

    def backward(self, grad_output):
        normal, scale = self.saved()
        self.weight.grad += (grad_output * normal).sum(0)
        self.bias.grad += grad_output.sum(0)
        grad = grad_output * self.weight
        return scale * (grad - grad.mean(-1, keepdim=True) - normal * (grad * normal).mean(-1, keepdim=True))


class RMSNorm(cn.Module):
    def __init__(self, width, eps=1e-6):
        self.eps = eps
        self.weight = cn.Parameter(torch.rand(width) + 0.5)

    def forward(self, input):
        scale = torch.rsqrt((input**2).mean(-1, keepdim=True) + self.eps)
        self.save(input * scale, scale)
        return self.weight * input * scale

    def backward(self, grad_output):
        normal, scale = self.saved()
        self.weight.grad += (grad_output * normal).sum(0)
        grad = grad_output * self.weight
        return scale * (grad - normal * (grad * normal).mean(-1, keepdim=True))


class BatchNorm(cn.Module):
    def __init__(self, width):
        self.weight, self.bias = cn.Parameter(torch.rand(width) + 0.5), cn.Parameter(torch.rand(width))

    def forward(self, input):
        scale = torch.rsqrt(input.var(0, correction=0) + 1e-5)
        normal = (input - input.mean(0)) * scale
        self.save(normal, scale)
        return self.weight * normal + self.bias

    def backward(self, grad_output):
        normal, scale = self.saved()
        self.weight.grad += (grad_output * normal).sum(0)
        self.bias.grad += grad_output.sum(0)
        grad = grad_output * self.weight
        return scale * (grad - grad.mean(0) - normal * (grad * normal).mean(0))


class Direction(cn.Module):
    """``x / max(|x|, 10⁻¹²)``, as PyTorch normalises; linear about a row of zeros."""

    def forward(self, input):
        length = input.norm(dim=-1, keepdim=True)
        self.save(input, length)
        return input / length.clamp(min=1e-12)

    def backward(self, grad_output):
        input, length = self.saved()
        unit = input / length.clamp(min=1e-12)
        along = unit * (grad_output * unit).sum(-1, keepdim=True)
        return (grad_output - torch.where(length > 1e-12, along, 0.0)) / length.clamp(min=1e-12)


class Centre(cn.Module):
    def forward(self, input):
        return input - input.mean(-1, keepdim=True)

    def backward(self, grad_output):
        return grad_output - grad_output.mean(-1, keepdim=True)


class CumulativeSum(cn.Module):
    def forward(self, input):
        return input.cumsum(-1)

    def backward(self, grad_output):
        return grad_output.flip(-1).cumsum(-1).flip(-1)


class Sort(cn.Module):
    def forward(self, input):
        output, order = input.sort(-1)
        self.save(order)
        return output

    def backward(self, grad_output):
        (order,) = self.saved()
        return torch.zeros_like(grad_output).scatter(-1, order, grad_output)


class Largest(cn.Module):
    def forward(self, input):
        output, place = input.max(-1)
        self.save(place, input)
        return output

    def backward(self, grad_output):
        place, input = self.saved()
        return torch.zeros_like(input).scatter(-1, place[..., None], grad_output[..., None])


class Mean(cn.Module):
    def forward(self, input):
        self.save(input)
        return input.mean(-1)

    def backward(self, grad_output):
        (input,) = self.saved()
        return (grad_output[..., None] / input.shape[-1]).expand(input.shape)


class Variance(cn.Module):
    def forward(self, input):
        centred = input - input.mean(-1, keepdim=True)
        self.save(centred)
        return (centred**2).mean(-1)

    def backward(self, grad_output):
        (centred,) = self.saved()
        return 2 * centred * grad_output[..., None] / centred.shape[-1]


class Distances(cn.Module):
    """Squared distances of every pair of rows."""

    def forward(self, input):
        self.save(input)
        return ((input[:, None] - input[None]) ** 2).sum(-1)

    def backward(self, grad_output):
        (input,) = self.saved()
        both = grad_output + grad_output.T
        return 2 * (both.sum(1, keepdim=True) * input - both @ input)


class Dropped(cn.Module):
    def forward(self, input):
        mask = torch.bernoulli(torch.full_like(input, 0.6)) / 0.6
        self.save(mask)
        return input * mask

    def backward(self, grad_output):
        (mask,) = self.saved()
        return grad_output * mask


SUBJECTS = {
    "softmax": Subject(lambda _: Softmax(), edges=(0.0, 30.0, 700.0)),
    "log-softmax": Subject(lambda _: LogSoftmax(), edges=(0.0, 30.0)),
    "log-sum-exp": Subject(lambda _: LogSumExp(), edges=(0.0, 30.0)),
    "causal softmax": Subject(lambda _: CausalSoftmax()),
    "masked": Subject(lambda _: Masked()),
    "added mask": Subject(lambda _: AddedMask()),
    "layer norm": Subject(LayerNorm),
    "rms norm": Subject(RMSNorm),
    "batch norm": Subject(BatchNorm, shape=lambda rows, width: (rows + 1, width)),
    "direction": Subject(lambda _: Direction()),
    "centre": Subject(lambda _: Centre()),
    "cumulative sum": Subject(lambda _: CumulativeSum()),
    "sort": Subject(lambda _: Sort()),
    "largest": Subject(lambda _: Largest()),
    "mean": Subject(lambda _: Mean()),
    "variance": Subject(lambda _: Variance()),
    "distances": Subject(lambda _: Distances()),
    "dropped": Subject(lambda _: Dropped()),
}
