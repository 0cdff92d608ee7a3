"""Right modules that look through windows: the kit finds nothing wrong with them."""

import pytest
import torch

import corenet as cn
from corenet.testing import check_component


class Conv1d(cn.Module):
    """``y[n, o, t] = Σ_ck W[o, c, k] x[n, c, t + k]``, by unfolding the windows."""

    def __init__(self, channels=2, out=3, width=3):
        self.width = width
        self.weight = cn.Parameter(torch.randn(out, channels, width))
        self.bias = cn.Parameter(torch.randn(out))

    def check(self, input):
        if input.dim() != 3:
            raise cn.errors.ShapeError("Conv1d", input.shape, "expected (N, channels, length)")

    def forward(self, input):
        self.save(input)
        return torch.einsum("nctk,ock->not", input.unfold(2, self.width, 1), self.weight) + self.bias[:, None]

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += torch.einsum("not,nctk->ock", grad_output, input.unfold(2, self.width, 1))
        self.bias.grad += grad_output.sum((0, 2))
        grad_input = torch.zeros_like(input)
        for k in range(self.width):
            part = torch.einsum("not,oc->nct", grad_output, self.weight[:, :, k])
            grad_input[:, :, k : k + part.shape[2]] += part
        return grad_input


class Conv2d(cn.Module):
    """``y[n, o, i, j] = Σ_ckl W[o, c, k, l] x[n, c, i + k, j + l]``; the leading dimensions before are kept."""

    def __init__(self, channels=2, out=2, width=2):
        self.width = width
        self.weight = cn.Parameter(torch.randn(out, channels, width, width))

    def forward(self, input):
        self.save(input)
        return torch.einsum("...cijkl,ockl->...oij", self.windows(input), self.weight)

    def backward(self, grad_output):
        (input,) = self.saved()
        self.weight.grad += torch.einsum("...oij,...cijkl->ockl", grad_output, self.windows(input))
        border = self.width - 1
        high, wide = grad_output.shape[-2] + 2 * border, grad_output.shape[-1] + 2 * border
        padded = grad_output.new_zeros(*grad_output.shape[:-2], high, wide)
        padded[..., border : high - border, border : wide - border] = grad_output
        return torch.einsum("...oijkl,ockl->...cij", self.windows(padded), self.weight.flip(2, 3))

    def windows(self, input):
        return input.unfold(-2, self.width, 1).unfold(-2, self.width, 1)


class MaxPool(cn.Module):
    """The largest of each pair along the last dimension."""

    def forward(self, input):
        output, place = input.unflatten(-1, (-1, 2)).max(-1)
        self.save(place)
        return output

    def backward(self, grad_output):
        (place,) = self.saved()
        pairs = grad_output.new_zeros(*grad_output.shape, 2)
        return pairs.scatter(-1, place[..., None], grad_output[..., None]).flatten(-2)


class AveragePool(cn.Module):
    def forward(self, input):
        return input.unflatten(-1, (-1, 2)).mean(-1)

    def backward(self, grad_output):
        return (grad_output / 2).repeat_interleave(2, -1)


class GlobalPool(cn.Module):
    """The mean over time of (N, channels, time)."""

    def forward(self, input):
        self.save(input)
        return input.mean(-1)

    def backward(self, grad_output):
        (input,) = self.saved()
        return (grad_output / input.shape[-1])[..., None].expand(input.shape)


class Maxout(cn.Module):
    """The largest of three affine functions, for each of the outputs."""

    def __init__(self, features=3, out=2, pieces=3):
        self.weight = cn.Parameter(torch.randn(pieces, out, features))

    def forward(self, input):
        output, piece = torch.einsum("...f,pof->...op", input, self.weight).max(-1)
        self.save(input, piece)
        return output

    def backward(self, grad_output):
        input, piece = self.saved()
        chosen = (piece[..., None] == torch.arange(len(self.weight))) * grad_output[..., None]
        self.weight.grad += torch.einsum("...op,...f->pof", chosen, input)
        return torch.einsum("...op,pof->...f", chosen, self.weight)


class Flatten(cn.Module):
    """Its output is a view of its input."""

    def forward(self, input):
        self.save(input)
        return input.flatten(1)

    def backward(self, grad_output):
        (input,) = self.saved()
        return grad_output.reshape(input.shape)


class Swap(cn.Module):
    """``y = xᵀ``, a view of its input and no copy."""

    def forward(self, input):
        return input.transpose(-1, -2)

    def backward(self, grad_output):
        return grad_output.transpose(-1, -2)


class Pad(cn.Module):
    """A zero before and after."""

    def forward(self, input):
        edge = torch.zeros_like(input[..., :1])
        return torch.cat([edge, input, edge], -1)

    def backward(self, grad_output):
        return grad_output[..., 1:-1]


RIGHT = {
    "convolution in one dimension": (Conv1d, cn.Case(shape=(2, 2, 5))),
    "convolution in two dimensions": (Conv2d, cn.Case(shape=(2, 2, 3, 4))),
    "max pool": (MaxPool, cn.Case(shape=(2, 3, 4))),
    "average pool": (AveragePool, cn.Case(shape=(2, 3, 4))),
    "global pool": (GlobalPool, cn.Case(shape=(2, 3, 4))),
    "maxout": (Maxout, cn.Case()),
    "flatten": (Flatten, cn.Case(shape=(2, 3, 4))),
    "swap": (Swap, cn.Case(shape=(2, 3))),
    "pad": (Pad, cn.Case()),
}


@pytest.mark.parametrize(("component", "case"), RIGHT.values(), ids=RIGHT)
def test_nothing_is_wrong_with(component, case):
    report = check_component(component, cases=[case])
    assert report.ok, str(report)
