"""Right modules over sequences, and products of several tensors: the kit finds nothing wrong with them."""

import math

import pytest
import torch

import corenet as cn
from corenet.testing import check_component


class RNN(cn.Module):
    """``hₜ = tanh(xₜ Uᵀ + hₜ₋₁ Vᵀ)`` over (N, T, features), unrolled over time."""

    def __init__(self, features=2, hidden=3):
        self.hidden = hidden
        self.from_input = cn.Parameter(torch.randn(hidden, features))
        self.from_state = cn.Parameter(torch.randn(hidden, hidden))

    def forward(self, input):
        states = [input.new_zeros(*input.shape[:-2], self.hidden)]
        for x in input.unbind(-2):
            states.append(torch.tanh(x @ self.from_input.T + states[-1] @ self.from_state.T))
        self.save(input, *states)
        return torch.stack(states[1:], -2)

    def backward(self, grad_output):
        input, *states = self.saved()
        later = torch.zeros_like(states[0])
        grads = []
        for t in reversed(range(input.shape[-2])):
            inner = (grad_output[..., t, :] + later) * (1 - states[t + 1] ** 2)
            self.from_input.grad += torch.einsum("...i,...j->ij", inner, input[..., t, :])
            self.from_state.grad += torch.einsum("...i,...j->ij", inner, states[t])
            later = inner @ self.from_state
            grads.append(inner @ self.from_input)
        return torch.stack(grads[::-1], -2)


class Attention(cn.Module):
    """One head over (N, T, features): ``softmax(q kᵀ / √d) v``, of one input."""

    def __init__(self, features=3, head=2):
        self.scale = 1 / math.sqrt(head)
        self.query, self.key, self.value = (cn.Linear(features, head, bias=False) for _ in range(3))

    def forward(self, input):
        q, k, v = self.query(input), self.key(input), self.value(input)
        attention = torch.softmax(self.scale * q @ k.mT, -1)
        self.save(q, k, v, attention)
        return attention @ v

    def backward(self, grad_output):
        q, k, v, attention = self.saved()
        grad = grad_output @ v.mT
        grad = self.scale * attention * (grad - (grad * attention).sum(-1, keepdim=True))
        through_keys = self.query.backward(grad @ k) + self.key.backward(grad.mT @ q)
        return through_keys + self.value.backward(attention.mT @ grad_output)


class CumulativeSum(cn.Module):
    """The derivative sums from the other end."""

    def forward(self, input):
        return input.cumsum(-1)

    def backward(self, grad_output):
        return grad_output.flip(-1).cumsum(-1).flip(-1)


class Hadamard(cn.Module):
    """The Walsh–Hadamard transform of a width of four, by sums and differences; orthogonal, so its own derivative."""

    def forward(self, input):
        return self.transform(input)

    def backward(self, grad_output):
        return self.transform(grad_output)

    def transform(self, x):
        for distance in (1, 2):
            pairs = x.unflatten(-1, (-1, 2, distance))
            x = torch.stack([pairs[..., 0, :] + pairs[..., 1, :], pairs[..., 0, :] - pairs[..., 1, :]], -2).flatten(-3)
        return x / 2


class Bilinear(cn.Module):
    """``y_o = x A_o xᵀ``."""

    def __init__(self, features=3, out=2):
        self.form = cn.Parameter(torch.randn(out, features, features))

    def forward(self, input):
        self.save(input)
        return torch.einsum("...i,oij,...j->...o", input, self.form, input)

    def backward(self, grad_output):
        (input,) = self.saved()
        self.form.grad += torch.einsum("...o,...i,...j->oij", grad_output, input, input)
        return torch.einsum("...o,oij,...j->...i", grad_output, self.form + self.form.mT, input)


class Embedding(cn.Module):
    """A row of a table for each number, rounded down; between the whole numbers nothing depends on it."""

    def __init__(self, entries=4, width=2):
        self.table = cn.Parameter(torch.randn(entries, width))

    def forward(self, input):
        chosen = (input.floor()[..., None] == torch.arange(len(self.table))).to(input.dtype)
        self.save(input, chosen)
        return chosen @ self.table

    def backward(self, grad_output):
        input, chosen = self.saved()
        self.table.grad += torch.einsum("...e,...w->ew", chosen, grad_output)
        return torch.zeros_like(input)


class CausalMask(cn.Module):
    """Softmax over what came before; the rest is masked by minus infinity."""

    def forward(self, input):
        past = torch.ones_like(input).tril() > 0
        output = torch.softmax(torch.where(past, input, -math.inf), -1)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        return output * (grad_output - (grad_output * output).sum(-1, keepdim=True))


class Positions(cn.Module):
    """Adds a constant for each place: a table that is saved but not trained."""

    def __init__(self, length=4, features=3):
        self.table = cn.Buffer(torch.arange(length)[:, None] * torch.ones(features))

    def forward(self, input):
        return input + torch.sin(self.table)

    def backward(self, grad_output):
        return grad_output


class Sort(cn.Module):
    """The gradient goes back to where each number came from."""

    def forward(self, input):
        output, order = input.sort(-1)
        self.save(order)
        return output

    def backward(self, grad_output):
        (order,) = self.saved()
        return torch.zeros_like(grad_output).scatter(-1, order, grad_output)


RIGHT = {
    "recurrent": (RNN, cn.Case(shape=(2, 3, 2))),
    "attention": (Attention, cn.Case(shape=(2, 3, 3))),
    "cumulative sum": (CumulativeSum, cn.Case()),
    "hadamard": (Hadamard, cn.Case(shape=(3, 4))),
    "bilinear form": (Bilinear, cn.Case()),
    "embedding": (Embedding, cn.Case(shape=(3, 2), domain=(0.0, 4.0), kinks=(1.0, 2.0, 3.0))),
    "causal mask": (CausalMask, cn.Case(shape=(2, 3, 3))),
    "positions": (Positions, cn.Case(shape=(2, 4, 3))),
    "sort": (Sort, cn.Case()),
}


@pytest.mark.parametrize(("component", "case"), RIGHT.values(), ids=RIGHT)
def test_nothing_is_wrong_with(component, case):
    report = check_component(component, cases=[case])
    assert report.ok, str(report)
