"""Right modules with parameters, and networks of built-in ones."""

from __future__ import annotations

import math

import torch

import corenet as cn
from benchmarks.gradcheck_survey.subject import Subject

MODERATE = (-1e3, 1e3)


class Scale(cn.Module):
    def __init__(self, width):
        self.gain, self.shift = cn.Parameter(torch.randn(width)), cn.Parameter(torch.randn(width))

    def forward(self, input):
        self.save(input)
        return self.gain * input + self.shift

    def backward(self, grad_output):
        (input,) = self.saved()
        self.gain.grad += (grad_output * input).sum(0)
        self.shift.grad += grad_output.sum(0)
        return self.gain * grad_output


class PReLU(cn.Module):
    def __init__(self, width):
        self.slope = cn.Parameter(torch.rand(width))

    def forward(self, input):
        self.save(input)
        return torch.where(input > 0, input, self.slope * input)

    def backward(self, grad_output):
        (input,) = self.saved()
        self.slope.grad += (grad_output * input.clamp(max=0)).sum(0)
        return grad_output * torch.where(input > 0, 1, self.slope)


class Swish(cn.Module):
    """``x σ(βx)`` with a β for each feature."""

    def __init__(self, width):
        self.beta = cn.Parameter(torch.randn(width))

    def forward(self, input):
        self.save(input)
        return input * torch.sigmoid(self.beta * input)

    def backward(self, grad_output):
        (input,) = self.saved()
        gate, rest = torch.sigmoid(self.beta * input), torch.sigmoid(-self.beta * input)
        self.beta.grad += (grad_output * input**2 * gate * rest).sum(0)
        return grad_output * (gate + self.beta * input * gate * rest)


class Bilinear(cn.Module):
    """``y_o = x A_o xᵀ``."""

    def __init__(self, width):
        self.form = cn.Parameter(torch.randn(2, width, width))

    def forward(self, input):
        self.save(input)
        return torch.einsum("ni,oij,nj->no", input, self.form, input)

    def backward(self, grad_output):
        (input,) = self.saved()
        self.form.grad += torch.einsum("no,ni,nj->oij", grad_output, input, input)
        return torch.einsum("no,oij,nj->ni", grad_output, self.form + self.form.mT, input)


class Fourier(cn.Module):
    """``sin(x ω)`` of random frequencies."""

    def __init__(self, width):
        self.frequency = cn.Parameter(3 * torch.randn(width, 3))

    def forward(self, input):
        phase = input @ self.frequency
        self.save(input, phase)
        return torch.sin(phase)

    def backward(self, grad_output):
        input, phase = self.saved()
        inner = grad_output * torch.cos(phase)
        self.frequency.grad += input.T @ inner
        return inner @ self.frequency.T


class Polynomial(cn.Module):
    """``a + bx + cx²`` with numbers a, b, c."""

    def __init__(self, _):
        self.coefficients = cn.Parameter(torch.randn(3))

    def forward(self, input):
        self.save(input)
        a, b, c = self.coefficients
        return a + b * input + c * input**2

    def backward(self, grad_output):
        (input,) = self.saved()
        _, b, c = self.coefficients
        self.coefficients.grad += torch.stack([(grad_output * input**power).sum() for power in range(3)])
        return grad_output * (b + 2 * c * input)


class Conv1d(cn.Module):
    """A window of two along the width, with two channels out."""

    def __init__(self, _):
        self.weight = cn.Parameter(torch.randn(2, 2))

    def forward(self, input):
        self.save(input)
        return torch.einsum("ntk,ok->not", input.unfold(1, 2, 1), self.weight)

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += torch.einsum("not,ntk->ok", grad_output, input.unfold(1, 2, 1))
        result = torch.zeros_like(input)
        for k in range(2):
            result[:, k : k + grad_output.shape[2]] += torch.einsum("not,o->nt", grad_output, self.weight[:, k])
        return result


class Attention(cn.Module):
    """``softmax(x xᵀ / √d) x W``, rows seeing each other."""

    def __init__(self, width):
        self.value = cn.Parameter(torch.randn(width, 2))

    def forward(self, input):
        scale = 1 / math.sqrt(input.shape[1])
        attention = torch.softmax(scale * input @ input.T, -1)
        values = input @ self.value
        self.save(input, attention, values)
        return attention @ values

    def backward(self, grad_output):
        input, attention, values = self.saved()
        grad = grad_output @ values.T
        grad = attention * (grad - (grad * attention).sum(-1, keepdim=True)) / math.sqrt(input.shape[1])
        through = attention.T @ grad_output
        self.value.grad += input.T @ through
        return (grad + grad.T) @ input + through @ self.value.T


class Recurrent(cn.Module):
    """``h ← tanh(x_t w + h u)`` along the width."""

    def __init__(self, _):
        self.input_weight, self.state_weight = cn.Parameter(torch.randn(2)), cn.Parameter(torch.randn(2, 2))

    def forward(self, input):
        states = [input.new_zeros(len(input), 2)]
        for x in input.unbind(1):
            states.append(torch.tanh(x[:, None] * self.input_weight + states[-1] @ self.state_weight))
        self.save(input, *states)
        return states[-1]

    def backward(self, grad_output):
        input, *states = self.saved()
        grads = []
        for t in reversed(range(input.shape[1])):
            inner = grad_output * (1 - states[t + 1] ** 2)
            self.input_weight.grad += (inner * input[:, t, None]).sum(0)
            self.state_weight.grad += states[t].T @ inner
            grads.append((inner * self.input_weight).sum(1))
            grad_output = inner @ self.state_weight.T
        return torch.stack(grads[::-1], 1)


def network(width: int, scale: float, *middle: cn.Module) -> cn.Module:
    """Return two linear layers with weights of a size, zero biases, and something between."""
    model = cn.Sequential(cn.Linear(width, 5), *middle, cn.Linear(5, 2))
    for linear in (model[0], model[-1]):
        linear.weight.normal_(0, scale)
        linear.bias.zero_()
    return model


SUBJECTS = {
    "scale": Subject(Scale),
    "prelu": Subject(PReLU),
    "swish with β": Subject(Swish, MODERATE),
    "bilinear form": Subject(Bilinear),
    "fourier features": Subject(Fourier, MODERATE),
    "polynomial": Subject(Polynomial),
    "convolution": Subject(Conv1d, shape=lambda rows, width: (rows, width + 1)),
    "attention": Subject(Attention, (-30.0, 30.0)),
    "recurrent": Subject(Recurrent, MODERATE),
    "relu network": Subject(lambda width: network(width, 1.0, cn.ReLU())),
    "relu network of small weights": Subject(lambda width: network(width, 0.01, cn.ReLU())),
    "tanh network": Subject(lambda width: network(width, 0.5, cn.Tanh(), cn.Dropout(0.3)), MODERATE),
    "sigmoid network": Subject(lambda width: network(width, 0.5, cn.Sigmoid()), MODERATE),
}
