"""Right functions in which the elements of a row, or of a batch, take part in each other's output."""

from __future__ import annotations

import torch

import corenet as cn


class Tanh(cn.Module):
    """Of its output, as most write it."""

    def forward(self, input):
        output = torch.tanh(input)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        return grad_output * (1 - output**2)


class Sigmoid(cn.Module):
    def forward(self, input):
        output = torch.sigmoid(input)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        return grad_output * output * (1 - output)


class Softmax(cn.Module):
    def forward(self, input):
        output = torch.softmax(input, -1)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        inner = (grad_output * output).sum(-1, keepdim=True)
        return output * (grad_output - inner)


class LogSoftmax(cn.Module):
    def forward(self, input):
        output = torch.log_softmax(input, -1)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        total = grad_output.sum(-1, keepdim=True)
        return grad_output - torch.exp(output) * total


class Softmin(cn.Module):
    def forward(self, input):
        output = torch.softmax(-input, -1)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        inner = (grad_output * output).sum(-1, keepdim=True)
        return output * (inner - grad_output)


class LogSumExp(cn.Module):
    def forward(self, input):
        self.save(input)
        return torch.logsumexp(input, -1)

    def backward(self, grad_output):
        (input,) = self.saved()
        return grad_output.unsqueeze(-1) * torch.softmax(input, -1)


class Centre(cn.Module):
    def forward(self, input):
        self.save(input)
        return input - input.mean(-1, keepdim=True)

    def backward(self, grad_output):
        self.saved()
        return grad_output - grad_output.mean(-1, keepdim=True)


class Unit(cn.Module):
    """``y = x / |x|`` of each row."""

    def forward(self, input):
        length = torch.sqrt((input**2).sum(-1, keepdim=True))
        output = input / length
        self.save(output, length)
        return output

    def backward(self, grad_output):
        output, length = self.saved()
        along = (grad_output * output).sum(-1, keepdim=True)
        return (grad_output - output * along) / length


class Standardise(cn.Module):
    """``y = (x − μ) / √(σ² + ε)`` of each row."""

    @staticmethod
    def conformance_cases():
        return [cn.Case(shape=(5, 4)), cn.Case(shape=(2, 3, 6))]

    def forward(self, input):
        centred = input - input.mean(-1, keepdim=True)
        scale = torch.sqrt((centred**2).mean(-1, keepdim=True) + 1e-5)
        output = centred / scale
        self.save(output, scale)
        return output

    def backward(self, grad_output):
        output, scale = self.saved()
        mean = grad_output.mean(-1, keepdim=True)
        along = (grad_output * output).mean(-1, keepdim=True)
        return (grad_output - mean - output * along) / scale


class RootMeanSquare(cn.Module):
    def __init__(self, width):
        self.gain = cn.Parameter(torch.ones(width))

    def forward(self, input):
        scale = torch.sqrt((input**2).mean(-1, keepdim=True) + 1e-5)
        normal = input / scale
        self.save(normal, scale)
        return self.gain * normal

    def backward(self, grad_output):
        normal, scale = self.saved()
        width = normal.shape[-1]
        self.gain.grad += (grad_output * normal).reshape(-1, width).sum(0)
        inner = grad_output * self.gain
        along = (inner * normal).mean(-1, keepdim=True)
        return (inner - normal * along) / scale


class LayerNorm(cn.Module):
    def __init__(self, width):
        self.gain = cn.Parameter(torch.ones(width))
        self.shift = cn.Parameter(torch.zeros(width))

    @staticmethod
    def conformance_cases():
        return [cn.Case({"width": 4}, shape=(5, 4)), cn.Case({"width": 6}, shape=(2, 3, 6))]

    def forward(self, input):
        centred = input - input.mean(-1, keepdim=True)
        scale = torch.sqrt((centred**2).mean(-1, keepdim=True) + 1e-5)
        normal = centred / scale
        self.save(normal, scale)
        return self.gain * normal + self.shift

    def backward(self, grad_output):
        normal, scale = self.saved()
        width = normal.shape[-1]
        self.gain.grad += (grad_output * normal).reshape(-1, width).sum(0)
        self.shift.grad += grad_output.reshape(-1, width).sum(0)
        inner = grad_output * self.gain
        mean = inner.mean(-1, keepdim=True)
        along = (inner * normal).mean(-1, keepdim=True)
        return (inner - mean - normal * along) / scale


class CumulativeSum(cn.Module):
    def forward(self, input):
        self.save(input)
        return torch.cumsum(input, -1)

    def backward(self, grad_output):
        self.saved()
        return grad_output.flip(-1).cumsum(-1).flip(-1)


class Differences(cn.Module):
    """``yᵢ = xᵢ₊₁ − xᵢ``."""

    def forward(self, input):
        self.save(input)
        return input[..., 1:] - input[..., :-1]

    def backward(self, grad_output):
        (input,) = self.saved()
        grad_input = torch.zeros_like(input)
        grad_input[..., 1:] += grad_output
        grad_input[..., :-1] -= grad_output
        return grad_input


class Gated(cn.Module):
    """``y = a σ(b)`` of the halves of a row."""

    @staticmethod
    def conformance_cases():
        return [cn.Case(shape=(5, 4)), cn.Case(shape=(2, 3, 6))]

    def forward(self, input):
        half = input.shape[-1] // 2
        value, gate = input[..., :half], torch.sigmoid(input[..., half:])
        self.save(value, gate)
        return value * gate

    def backward(self, grad_output):
        value, gate = self.saved()
        to_value = grad_output * gate
        to_gate = grad_output * value * gate * (1 - gate)
        return torch.cat([to_value, to_gate], -1)


class Norm(cn.Module):
    """``y = |x|`` of each row."""

    def forward(self, input):
        output = torch.sqrt((input**2).sum(-1))
        self.save(input, output)
        return output

    def backward(self, grad_output):
        input, output = self.saved()
        return (grad_output / output).unsqueeze(-1) * input


class Variance(cn.Module):
    @staticmethod
    def conformance_cases():
        return [cn.Case(shape=(5, 4)), cn.Case(shape=(2, 3, 6))]

    def forward(self, input):
        centred = input - input.mean(-1, keepdim=True)
        self.save(centred)
        return (centred**2).mean(-1)

    def backward(self, grad_output):
        (centred,) = self.saved()
        return 2 * centred * grad_output.unsqueeze(-1) / centred.shape[-1]


class Attention(cn.Module):
    """``y = softmax(x xᵀ) x`` over positions."""

    @staticmethod
    def conformance_cases():
        return [cn.Case(shape=(2, 4, 3), domain=(-1.0, 1.0))]

    def forward(self, input):
        weights = torch.softmax(input @ input.transpose(-1, -2), -1)
        self.save(input, weights)
        return weights @ input

    def backward(self, grad_output):
        input, weights = self.saved()
        to_weights = grad_output @ input.transpose(-1, -2)
        inner = (to_weights * weights).sum(-1, keepdim=True)
        to_scores = weights * (to_weights - inner)
        to_queries = to_scores @ input
        to_keys = to_scores.transpose(-1, -2) @ input
        return weights.transpose(-1, -2) @ grad_output + to_queries + to_keys


class Outer(cn.Module):
    """``yᵢⱼ = xᵢ xⱼ``."""

    def forward(self, input):
        self.save(input)
        return input.unsqueeze(-1) * input.unsqueeze(-2)

    def backward(self, grad_output):
        (input,) = self.saved()
        both = grad_output + grad_output.transpose(-1, -2)
        return (both @ input.unsqueeze(-1)).squeeze(-1)


class Mean(cn.Module):
    def forward(self, input):
        self.save(input)
        return input.mean(-1)

    def backward(self, grad_output):
        (input,) = self.saved()
        return (grad_output / input.shape[-1]).unsqueeze(-1).expand(input.shape)


class Largest(cn.Module):
    def forward(self, input):
        output, index = input.max(-1, keepdim=True)
        self.save(input, index)
        return output.squeeze(-1)

    def backward(self, grad_output):
        input, index = self.saved()
        grad_input = torch.zeros_like(input)
        return grad_input.scatter(-1, index, grad_output.unsqueeze(-1))
