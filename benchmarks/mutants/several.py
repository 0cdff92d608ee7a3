"""Right modules of several tensors, of integers, with buffers, made of cells, with a mask, with a penalty."""

from __future__ import annotations

import torch

import corenet as cn


class Embedding(cn.Module):
    """The rows of a table that indices pick."""

    def __init__(self, count, width):
        self.table = cn.Parameter(torch.randn(count, width))

    def check_values(self, indices):
        if indices.numel() and not ((indices >= 0) & (indices < len(self.table))).all():
            raise cn.RangeError(f"Embedding takes indices from 0 to {len(self.table) - 1}")

    def forward(self, indices):
        self.save(indices)
        return self.table[indices]

    def backward(self, grad_output):
        (indices,) = self.saved()
        self.table.grad.index_add_(0, indices.flatten(), grad_output.flatten(0, -2))

    @staticmethod
    def conformance_cases():
        # Of seven rows some are picked twice, some once.
        return [cn.Case(args=(7, 3), inputs=lambda generator: torch.randint(7, (3, 2), generator=generator))]


class BatchNorm1d(cn.Module):
    """``γ (x − mean) / √(var + ε) + β`` over a batch, with running statistics in evaluation."""

    def __init__(self, features: int, eps: float = 1e-5, momentum: float = 0.1):
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = cn.Parameter(torch.ones(features)), cn.Parameter(torch.zeros(features))
        self.running_mean, self.running_var = cn.Buffer(torch.zeros(features)), cn.Buffer(torch.ones(features))

    def check(self, input):
        if input.dim() != 2 or (self.training and len(input) < 2):
            raise cn.errors.ShapeError(
                "BatchNorm1d", input.shape, "expected (N, features), in training of two at least"
            )

    def forward(self, input):
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = input.mean(0), input.var(0, correction=0)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(input.var(0), self.momentum)
        deviation = (var + self.eps).sqrt()
        normal = (input - mean) / deviation
        self.save(normal, deviation, self.training)
        return self.weight * normal + self.bias

    def backward(self, grad_output):
        normal, deviation, moves = self.saved()
        self.weight.grad += (grad_output * normal).sum(0)
        self.bias.grad += grad_output.sum(0)
        grad = grad_output * self.weight
        if moves:
            grad = grad - grad.mean(0) - normal * (grad * normal).mean(0)
        return grad / deviation


class Cell(cn.Module):
    """One step of an LSTM: ``(x, h, c) -> (h', c')``."""

    def __init__(self, inputs: int, width: int):
        self.input = cn.Linear(inputs, 4 * width)
        self.state = cn.Linear(width, 4 * width, bias=False)

    def forward(self, input, hidden, memory):
        gates = self.input(input) + self.state(hidden)
        let_in, keep, new, show = gates.chunk(4, -1)
        let_in, keep, new, show = let_in.sigmoid(), keep.sigmoid(), new.tanh(), show.sigmoid()
        after = keep * memory + let_in * new
        self.save(let_in, keep, new, show, memory, after.tanh())
        return show * after.tanh(), after

    def backward(self, grad_hidden, grad_after):
        let_in, keep, new, show, memory, shown = self.saved()
        grad = grad_after + grad_hidden * show * (1 - shown**2)
        grad_in = grad * new * let_in * (1 - let_in)
        grad_keep = grad * memory * keep * (1 - keep)
        grad_new = grad * let_in * (1 - new**2)
        grad_show = grad_hidden * shown * show * (1 - show)
        gates = torch.cat([grad_in, grad_keep, grad_new, grad_show], -1)
        grad_before = self.state.backward(gates)
        return self.input.backward(gates), grad_before, grad * keep

    @staticmethod
    def conformance_cases():
        def draw(generator):
            return tuple(torch.randn(4, width, generator=generator) for width in (3, 2, 2))

        return [cn.Case(args=(3, 2), inputs=draw)]


class LSTM(cn.Module):
    """``(N, T, inputs) -> (N, T, width)``, and the last state of its memory."""

    def __init__(self, inputs: int, width: int):
        self.width, self.cell = width, self.repeat(Cell(inputs, width))

    def forward(self, input):
        hidden = memory = input.new_zeros(len(input), self.width)
        outputs = []
        for step in range(input.shape[1]):
            hidden, memory = self.cell(input[:, step], hidden, memory)
            outputs.append(hidden)
        self.save(len(outputs))
        return torch.stack(outputs, 1), memory

    def backward(self, grad_output, grad_memory):
        (steps,) = self.saved()
        gradients, grad_hidden = [], torch.zeros_like(grad_memory)
        for step in reversed(range(steps)):
            grad_hidden = grad_hidden + grad_output[:, step]
            grad_input, grad_hidden, grad_memory = self.cell.backward(grad_hidden, grad_memory)
            gradients.append(grad_input)
        return torch.stack(gradients[::-1], 1)

    @staticmethod
    def conformance_cases():
        return [cn.Case(args=(3, 2), shape=(4, 5, 3))]


class Attention(cn.Module):
    """``softmax(q kᵀ / √width) v`` of where a mask is true."""

    def forward(self, query, key, value, mask):
        scale = query.shape[-1] ** -0.5
        scores = (query @ key.transpose(-1, -2) * scale).masked_fill(~mask, -torch.inf)
        weights = scores.softmax(-1)
        self.save(query, key, value, weights, scale)
        return weights @ value

    def backward(self, grad_output):
        query, key, value, weights, scale = self.saved()
        grad_value = weights.transpose(-1, -2) @ grad_output
        grad_weights = grad_output @ value.transpose(-1, -2)
        along = (grad_weights * weights).sum(-1, keepdim=True)
        grad_scores = weights * (grad_weights - along) * scale
        return grad_scores @ key, grad_scores.transpose(-1, -2) @ query, grad_value, None

    @staticmethod
    def conformance_cases():
        def draw(generator):
            query, key, value = (torch.randn(3, 4, 2, generator=generator) for _ in range(3))
            return query, key, value, torch.ones(3, 4, 4, dtype=torch.bool).tril()

        return [cn.Case(inputs=draw)]


class Masked(cn.Module):
    """The mean over steps of where a mask is true."""

    def forward(self, input, mask):
        count = mask.sum(1, keepdim=True).clamp(min=1)
        weights = (mask / count).to(input.dtype)
        self.save(weights)
        return (input * weights[..., None]).sum(1)

    def backward(self, grad_output):
        (weights,) = self.saved()
        return grad_output[:, None] * weights[..., None], None

    @staticmethod
    def conformance_cases():
        def draw(generator):
            return torch.randn(4, 5, 3, generator=generator), torch.rand(4, 5, generator=generator) > 0.4

        return [cn.Case(inputs=draw)]


class TwoHeads(cn.Module):
    """One trunk, a number and a class from it."""

    def __init__(self, features: int, classes: int):
        self.trunk = cn.Sequential(cn.Linear(features, 4), cn.Tanh())
        self.number, self.scores = cn.Linear(4, 1), cn.Linear(4, classes)

    def forward(self, input):
        hidden = self.trunk(input)
        return self.number(hidden), self.scores(hidden)

    def backward(self, grad_number, grad_scores):
        grad_hidden = self.number.backward(grad_number) + self.scores.backward(grad_scores)
        return self.trunk.backward(grad_hidden)


class Concat(cn.Module):
    """Two tensors side by side in the last dimension."""

    def forward(self, left, right):
        self.save(left.shape[-1])
        return torch.cat([left, right], -1)

    def backward(self, grad_output):
        (width,) = self.saved()
        return grad_output[..., :width], grad_output[..., width:]

    @staticmethod
    def conformance_cases():
        return [cn.Case(inputs=lambda generator: tuple(torch.randn(4, n, generator=generator) for n in (3, 2)))]


class Product(cn.Module):
    """``a · b``, and ``a − 2 b``."""

    def forward(self, a, b):
        self.save(a, b)
        return a * b, a - 2 * b

    def backward(self, grad_product, grad_difference):
        a, b = self.saved()
        return grad_product * b + grad_difference, grad_product * a - 2 * grad_difference

    @staticmethod
    def conformance_cases():
        return [cn.Case(inputs=lambda generator: tuple(torch.randn(2, 4, 3, generator=generator)))]


class Largest(cn.Module):
    """The largest number of each row, and its place."""

    def forward(self, input):
        values, places = input.max(1)
        self.save(input.shape, places)
        return values, places

    def backward(self, grad_values, grad_places):
        shape, places = self.saved()
        return grad_values.new_zeros(shape).scatter(1, places[:, None], grad_values[:, None])

    @staticmethod
    def conformance_cases():
        return [cn.Case(shape=(5, 3))]


class Picked(cn.Module):
    """Which numbers are positive, a picked row of a table for each row with the numbers added, and how many are."""

    def __init__(self, count: int, width: int):
        self.table = cn.Parameter(torch.randn(count, width))

    def forward(self, indices, input):
        self.save(indices)
        positive = input > 0
        return positive, self.table[indices] + input, positive.sum(1)

    def backward(self, grad_positive, grad_output, grad_count):
        (indices,) = self.saved()
        self.table.grad.index_add_(0, indices, grad_output)
        return None, grad_output

    @staticmethod
    def conformance_cases():
        def draw(generator):
            return torch.randint(7, (5,), generator=generator), torch.randn(5, 3, generator=generator)

        return [cn.Case(args=(7, 3), inputs=draw)]


class Conv2d(cn.Module):
    """The library's convolution and its two derivatives."""

    def __init__(self, channels: int = 2, out: int = 3, width: int = 3, padding: int = 1):
        self.padding = padding
        self.weight = cn.Parameter(torch.randn(out, channels, width, width) / 4)
        self.bias = cn.Parameter(torch.randn(out))

    def check(self, input):
        if input.dim() != 4:
            raise cn.errors.ShapeError("Conv2d", input.shape, "expected (N, channels, height, width)")

    def forward(self, input):
        self.save(input)
        return torch.conv2d(input, self.weight, self.bias, padding=self.padding)

    def backward(self, grad_output):
        (input,) = self.saved()
        pad, one = [self.padding] * 2, [1, 1]
        grad_input, grad_weight, _ = torch.ops.aten.convolution_backward(
            grad_output, input, self.weight, [0], one, pad, one, False, [0, 0], 1, [True, True, False]
        )
        self.weight.grad += grad_weight
        self.bias.grad += grad_output.sum((0, 2, 3))
        return grad_input

    @staticmethod
    def conformance_cases():
        return [cn.Case(shape=(3, 2, 5, 4))]


class Decayed(cn.Linear):
    """A linear map with a penalty on its weights."""

    def __init__(self, in_features: int, out_features: int):
        super().__init__(in_features, out_features)

    def check(self, input):
        if input.dim() != 2:
            raise cn.errors.ShapeError("Decayed", input.shape, "expected (N, features)")

    def forward(self, input):
        self.add_penalty(0.3 * self.weight.square().sum())
        self.save(input)
        return torch.addmm(self.bias, input, self.weight.T)

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += grad_output.T @ input + 0.6 * self.weight
        self.bias.grad += grad_output.sum(0)
        return grad_output @ self.weight

    @staticmethod
    def conformance_cases():
        return [cn.Case(args=(3, 2))]


class Pair(cn.Module):
    """One encoder on two inputs, and how far apart they come out."""

    def __init__(self, features: int):
        self.encoder = self.repeat(cn.Sequential(cn.Linear(features, 3), cn.Tanh()))

    def forward(self, first, second):
        gap = self.encoder(first) - self.encoder(second)
        self.save(gap)
        return gap.square().sum(-1)

    def backward(self, grad_output):
        (gap,) = self.saved()
        grad = 2 * gap * grad_output[..., None]
        grad_second = self.encoder.backward(-grad)
        return self.encoder.backward(grad), grad_second

    @staticmethod
    def conformance_cases():
        return [cn.Case(args=(2,), inputs=lambda generator: tuple(torch.randn(2, 4, 2, generator=generator)))]
