"""Classes, embeddings, attention and recurrences, written as in a textbook, are compiled whole."""

from math import sqrt

import pytest
import torch

import corenet as cn
from corenet.training.engines.cpu import cc

pytestmark = pytest.mark.usefixtures("needs_compiler")


class Softmax(cn.Module):
    def forward(self, input):
        exponentials = (input - input.max(-1, keepdim=True).values).exp()
        output = exponentials / exponentials.sum(-1, keepdim=True)
        self.save(output)
        return output

    def backward(self, grad_output):
        (output,) = self.saved()
        return output * (grad_output - (grad_output * output).sum(-1, keepdim=True))


class CrossEntropy(cn.Loss):
    """``−log softmax(x)_t``, the derivative by ``x[range(N), t] -= 1``."""

    reduction = "mean"

    def forward(self, input, target):
        self.save(input, target)
        return -torch.log_softmax(input, 1)[torch.arange(len(target)), target].mean()

    def backward(self):
        input, target = self.saved()
        gradient = torch.softmax(input, 1)
        gradient[torch.arange(len(target)), target] -= 1
        return gradient / len(target)

    def predictions(self, output):
        return output.argmax(1)


class Embedding(cn.Module):
    def __init__(self, count, width):
        self.table = cn.Parameter(torch.randn(count, width))

    def forward(self, indices):
        self.save(indices)
        return self.table[indices]

    def backward(self, grad_output):
        (indices,) = self.saved()
        self.table.grad.index_put_((indices,), grad_output, accumulate=True)


class MeanOfRows(cn.Module):
    def forward(self, input):
        self.save(input.shape[1])
        return input.mean(1)

    def backward(self, grad_output):
        (count,) = self.saved()
        return (grad_output / count).unsqueeze(1).expand(-1, count, -1)


class Attention(cn.Module):
    """``softmax(Q Kᵀ / √d + M) V`` over (N, T, d), where M hides what comes later."""

    def __init__(self, width):
        self.projection, self.softmax = cn.Linear(width, 3 * width), Softmax()

    def forward(self, input):
        q, k, v = self.projection(input).chunk(3, -1)
        later = torch.ones(q.shape[1], q.shape[1]).triu(1).bool()
        weights = self.softmax((q @ k.mT / sqrt(q.shape[-1])).masked_fill(later, -1e9))
        self.save(q, k, v, weights)
        return weights @ v

    def backward(self, grad_output):
        q, k, v, weights = self.saved()
        scores = self.softmax.backward(grad_output @ v.mT) / sqrt(q.shape[-1])
        return self.projection.backward(torch.cat([scores @ k, scores.mT @ q, weights.mT @ grad_output], -1))


class LSTMCell(cn.Module):
    def __init__(self, inputs, width):
        self.gates = cn.Linear(inputs + width, 4 * width)

    def forward(self, x, h, c):
        i, f, g, o = self.gates(torch.cat([x, h], 1)).chunk(4, 1)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        after = f * c + i * g
        self.save(i, f, g, o, c, after.tanh())
        return o * after.tanh(), after

    def backward(self, grad_h, grad_c):
        i, f, g, o, c, t = self.saved()
        grad_c = grad_c + grad_h * o * (1 - t**2)
        gates = [grad_c * g * i * (1 - i), grad_c * c * f * (1 - f), grad_c * i * (1 - g**2), grad_h * t * o * (1 - o)]
        both, width = self.gates.backward(torch.cat(gates, 1)), c.shape[1]
        return both[:, :-width], both[:, -width:], grad_c * f


class LSTM(cn.Module):
    """(N, T, inputs) -> (N, width)"""

    def __init__(self, inputs, width):
        self.cell, self.width = self.repeat(LSTMCell(inputs, width)), width

    def forward(self, input):
        self.save(input.shape[1])
        h = c = input.new_zeros(len(input), self.width)
        for x in input.unbind(1):
            h, c = self.cell(x, h, c)
        return h

    def backward(self, grad_h):
        (steps,) = self.saved()
        grad_c, gradients = torch.zeros_like(grad_h), []
        for _ in range(steps):
            grad_x, grad_h, grad_c = self.cell.backward(grad_h, grad_c)
            gradients.insert(0, grad_x)
        return torch.stack(gradients, 1)


def classes(dtype=torch.float64):
    torch.manual_seed(4)
    return cn.data.Dataset(torch.randn(70, 5, dtype=dtype), torch.randint(3, (70,)))


def words(count=11):
    torch.manual_seed(4)
    return cn.data.Dataset(torch.randint(count, (70, 6)), torch.randint(3, (70,)))


def signals(steps=9):
    torch.manual_seed(4)
    inputs = torch.randn(70, steps, 3).double()
    return cn.data.Dataset(inputs, (inputs.sum((1, 2)) > 0).double().unsqueeze(1))


def building(*modules, loss=CrossEntropy, dtype=torch.float64):
    def make():
        model = cn.Sequential(*(module() for module in modules))
        model.to(dtype=dtype)
        return model, loss(), cn.SGD(model.parameters(), lr=0.1, momentum=0.5)

    return make


def linear(inputs, outputs):
    return lambda: cn.Linear(inputs, outputs)


NETS = {
    "three classes": (building(linear(5, 7), cn.Tanh, linear(7, 3)), classes),
    "through a softmax": (building(linear(5, 7), Softmax, linear(7, 3)), classes),
    "in single precision": (
        building(linear(5, 7), cn.Tanh, linear(7, 3), dtype=torch.float32),
        lambda: classes(torch.float32),
    ),
    "embeddings": (building(lambda: Embedding(11, 4), MeanOfRows, linear(4, 3)), words),
    "attention": (building(lambda: Embedding(11, 4), lambda: Attention(4), MeanOfRows, linear(4, 3)), words),
    "a recurrence": (building(lambda: LSTM(3, 5), linear(5, 1), loss=cn.BCEWithLogitsLoss), signals),
}


@pytest.mark.parametrize("metrics", [(), (cn.error_rate,)], ids=["steps", "measured"])
@pytest.mark.parametrize("name", NETS)
def test_many_steps_are_done_in_one_call(name, metrics, alike):
    make, data = NETS[name]
    alike(make, data(), epochs=6, metrics=metrics)


def test_a_long_recurrence_is_compiled_as_a_short_one(alike, monkeypatch):
    sources, library = [], cc.library
    monkeypatch.setattr(cc, "library", lambda source: sources.append(source) or library(source))
    alike(NETS["a recurrence"][0], signals(60), batch_size=35, epochs=12)
    kernels = max(source.count("NOT_INLINED void") for source in sources)
    assert kernels < 60, "each of its thousands of kernels is one of few"


def put_out_of_range(epoch, model, loss, optimizer, data):
    if epoch == 4:
        data.inputs[33, 2] = 40


class Cumulative(cn.Module):
    """Is not known in C, so that steps are done one by one."""

    def forward(self, input):
        return input.cumsum(1)

    def backward(self, grad_output):
        return grad_output.flip(1).cumsum(1).flip(1)


@pytest.mark.parametrize("many", [True, False])
def test_an_index_that_goes_out_of_range_is_the_plain_steps_error(alike, many):
    middle = [] if many else [Cumulative]
    make = building(lambda: Embedding(11, 4), *middle, MeanOfRows, linear(4, 3))
    left = alike(make, words(), epochs=8, many=many, change=put_out_of_range)
    assert isinstance(left.error, IndexError)
    assert "40" in str(left.error)
