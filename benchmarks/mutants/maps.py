"""Right functions with parameters."""

from __future__ import annotations

import torch

import corenet as cn


def drawn(*shape):
    return cn.Parameter(torch.randn(shape))


class Affine(cn.Module):
    def __init__(self, width, features):
        self.weight, self.bias = drawn(features, width), drawn(features)

    def forward(self, input):
        self.save(input)
        return input @ self.weight.T + self.bias

    def backward(self, grad_output):
        (input,) = self.saved()
        flat, rows = grad_output.reshape(-1, len(self.bias)), input.reshape(-1, input.shape[-1])
        self.weight.grad += flat.T @ rows
        self.bias.grad += flat.sum(0)
        return grad_output @ self.weight


class Scale(cn.Module):
    def __init__(self, width):
        self.weight = cn.Parameter(torch.ones(width))

    def forward(self, input):
        self.save(input)
        return self.weight * input

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += (grad_output * input).reshape(-1, len(self.weight)).sum(0)
        return grad_output * self.weight


class ScaleAndShift(cn.Module):
    def __init__(self, width):
        self.weight, self.bias = cn.Parameter(torch.ones(width)), cn.Parameter(torch.zeros(width))

    def forward(self, input):
        self.save(input)
        return self.weight * input + self.bias

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += (grad_output * input).reshape(-1, len(self.weight)).sum(0)
        self.bias.grad += grad_output.reshape(-1, len(self.bias)).sum(0)
        return grad_output * self.weight


class Temperature(cn.Module):
    """``y = x / τ``."""

    def __init__(self):
        self.tau = cn.Parameter(torch.ones(()))

    def forward(self, input):
        self.save(input)
        return input / self.tau

    def backward(self, grad_output):
        (input,) = self.saved()
        self.tau.grad -= (grad_output * input).sum() / self.tau**2
        return grad_output / self.tau


class Prelu(cn.Module):
    def __init__(self):
        self.slope = cn.Parameter(torch.tensor(0.25))

    @staticmethod
    def conformance_cases():
        return [cn.Case(shape=(5, 3), kinks=(0.0,)), cn.Case(shape=(2, 2, 3), kinks=(0.0,))]

    def forward(self, input):
        self.save(input)
        return torch.where(input > 0, input, self.slope * input)

    def backward(self, grad_output):
        (input,) = self.saved()
        self.slope.grad += (grad_output * input.clamp(max=0)).sum()
        return torch.where(input > 0, grad_output, self.slope * grad_output)


class LowRank(cn.Module):
    """``y = x A B``."""

    def __init__(self, width, rank):
        self.first, self.second = drawn(width, rank), drawn(rank, width)

    def forward(self, input):
        middle = input @ self.first
        self.save(input, middle)
        return middle @ self.second

    def backward(self, grad_output):
        input, middle = self.saved()
        to_middle = grad_output @ self.second.T
        self.second.grad += middle.flatten(0, -2).T @ grad_output.flatten(0, -2)
        self.first.grad += input.flatten(0, -2).T @ to_middle.flatten(0, -2)
        return to_middle @ self.first.T


class TwoLayers(cn.Module):
    """``y = tanh(x A) B``."""

    def __init__(self, width, hidden):
        self.first, self.second = drawn(width, hidden), drawn(hidden, 2)

    def forward(self, input):
        hidden = torch.tanh(input @ self.first)
        self.save(input, hidden)
        return hidden @ self.second

    def backward(self, grad_output):
        input, hidden = self.saved()
        self.second.grad += hidden.flatten(0, -2).T @ grad_output.flatten(0, -2)
        to_hidden = (grad_output @ self.second.T) * (1 - hidden**2)
        self.first.grad += input.flatten(0, -2).T @ to_hidden.flatten(0, -2)
        return to_hidden @ self.first.T


class Quadratic(cn.Module):
    """``y = xᵀ W x``."""

    def __init__(self, width):
        self.weight = drawn(width, width)

    def forward(self, input):
        self.save(input)
        return ((input @ self.weight) * input).sum(-1)

    def backward(self, grad_output):
        (input,) = self.saved()
        scaled = input * grad_output.unsqueeze(-1)
        self.weight.grad += input.flatten(0, -2).T @ scaled.flatten(0, -2)
        return scaled @ (self.weight + self.weight.T)


class Polynomial(cn.Module):
    """``y = a + b x + c x²``."""

    def __init__(self):
        self.constant, self.linear, self.square = (cn.Parameter(torch.tensor(each)) for each in (0.5, 1.5, 0.7))

    def forward(self, input):
        self.save(input)
        return self.constant + self.linear * input + self.square * input**2

    def backward(self, grad_output):
        (input,) = self.saved()
        self.constant.grad += grad_output.sum()
        self.linear.grad += (grad_output * input).sum()
        self.square.grad += (grad_output * input**2).sum()
        return grad_output * (self.linear + 2 * self.square * input)


class Bell(cn.Module):
    """``yₖ = exp(−γ |x − cₖ|²)``."""

    def __init__(self, width, centres):
        self.centre = drawn(centres, width)
        self.gamma = cn.Parameter(torch.tensor(0.3))

    @staticmethod
    def conformance_cases():
        return [cn.Case({"width": 3, "centres": 4}, shape=(5, 3), domain=(-1.0, 1.0))]

    def forward(self, input):
        gap = input.unsqueeze(-2) - self.centre
        distance = (gap**2).sum(-1)
        output = torch.exp(-self.gamma * distance)
        self.save(gap, distance, output)
        return output

    def backward(self, grad_output):
        gap, distance, output = self.saved()
        inner = grad_output * output
        self.gamma.grad -= (inner * distance).sum()
        to_gap = -2 * self.gamma * inner.unsqueeze(-1) * gap
        self.centre.grad -= to_gap.flatten(0, -3).sum(0)
        return to_gap.sum(-2)


class Highway(cn.Module):
    """``y = x + g σ(x)``, with a gain for each feature."""

    def __init__(self, width):
        self.gain = cn.Parameter(torch.ones(width))

    def forward(self, input):
        gate = torch.sigmoid(input)
        self.save(gate)
        return input + self.gain * gate

    def backward(self, grad_output):
        (gate,) = self.saved()
        self.gain.grad += (grad_output * gate).reshape(-1, len(self.gain)).sum(0)
        return grad_output + grad_output * self.gain * gate * (1 - gate)


class Window(cn.Module):
    """``yᵢ = a xᵢ + b xᵢ₊₁`` along a row."""

    def __init__(self):
        self.left, self.right = cn.Parameter(torch.tensor(0.6)), cn.Parameter(torch.tensor(1.3))

    @staticmethod
    def conformance_cases():
        return [cn.Case(shape=(4, 5)), cn.Case(shape=(2, 3, 4))]

    def forward(self, input):
        self.save(input)
        return self.left * input[..., :-1] + self.right * input[..., 1:]

    def backward(self, grad_output):
        (input,) = self.saved()
        self.left.grad += (grad_output * input[..., :-1]).sum()
        self.right.grad += (grad_output * input[..., 1:]).sum()
        grad_input = torch.zeros_like(input)
        grad_input[..., :-1] += self.left * grad_output
        grad_input[..., 1:] += self.right * grad_output
        return grad_input


class Cosine(cn.Module):
    """``yₖ = a cos(x · wₖ)``."""

    def __init__(self, width, features):
        self.weight = drawn(features, width)
        self.size = cn.Parameter(torch.ones(()))

    def forward(self, input):
        angle = input @ self.weight.T
        self.save(input, angle)
        return self.size * torch.cos(angle)

    def backward(self, grad_output):
        input, angle = self.saved()
        self.size.grad += (grad_output * torch.cos(angle)).sum()
        to_angle = -grad_output * self.size * torch.sin(angle)
        self.weight.grad += to_angle.flatten(0, -2).T @ input.flatten(0, -2)
        return to_angle @ self.weight


class Product(cn.Module):
    """``y = (x A) ∘ (x B)``."""

    def __init__(self, width, features):
        self.first, self.second = drawn(width, features), drawn(width, features)

    def forward(self, input):
        left, right = input @ self.first, input @ self.second
        self.save(input, left, right)
        return left * right

    def backward(self, grad_output):
        input, left, right = self.saved()
        rows = input.flatten(0, -2).T
        self.first.grad += rows @ (grad_output * right).flatten(0, -2)
        self.second.grad += rows @ (grad_output * left).flatten(0, -2)
        return (grad_output * right) @ self.first.T + (grad_output * left) @ self.second.T


class BatchNorm(cn.Module):
    """``y = g (x − μ) / √(σ² + ε) + b`` over the batch, without running statistics of use."""

    def __init__(self, width):
        self.gain, self.shift = cn.Parameter(torch.ones(width)), cn.Parameter(torch.zeros(width))
        self.mean, self.variance = cn.Buffer(torch.zeros(width)), cn.Buffer(torch.ones(width))

    @staticmethod
    def conformance_cases():
        return [cn.Case({"width": 3}, shape=(6, 3))]

    def check(self, input):
        if input.dim() != 2 or (self.training and len(input) < 2):
            raise cn.ShapeError("BatchNorm", tuple(input.shape), "expected (N, width) with N ≥ 2")

    def forward(self, input):
        if not self.training:
            return self.gain * (input - self.mean) / torch.sqrt(self.variance + 1e-5) + self.shift
        mean, variance = input.mean(0), input.var(0, correction=0)
        self.mean.lerp_(mean, 0.1)
        self.variance.lerp_(variance, 0.1)
        scale = torch.sqrt(variance + 1e-5)
        normal = (input - mean) / scale
        self.save(normal, scale)
        return self.gain * normal + self.shift

    def backward(self, grad_output):
        normal, scale = self.saved()
        self.gain.grad += (grad_output * normal).sum(0)
        self.shift.grad += grad_output.sum(0)
        inner = grad_output * self.gain
        along = (inner * normal).mean(0)
        return (inner - inner.mean(0) - normal * along) / scale
