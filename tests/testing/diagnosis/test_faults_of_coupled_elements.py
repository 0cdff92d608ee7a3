"""Faults in gradients to which several elements contribute are found and named."""

import pytest
import torch

import corenet as cn
from corenet.contracts.case import Case
from corenet.testing import check_component


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


class Pointwise(cn.Module):
    """``y = f(x)``, with ``to_input(dy, x, y)`` for its derivative."""

    case = Case(shape=(5, 3))

    def forward(self, input):
        output = self.function(input)
        self.save(input, output)
        return output

    def backward(self, grad_output):
        return self.to_input(grad_output, *self.saved())


class Softmax(Pointwise):
    def function(self, x):
        return x.softmax(-1)

    def to_input(self, dy, x, y):
        return y * (dy - (dy * y).sum(-1, keepdim=True))


class Cumulative(Pointwise):
    """``yᵢ = Σ xⱼ`` over j ≤ i."""

    case = Case(shape=(5, 4))

    def function(self, x):
        return x.cumsum(-1)

    def to_input(self, dy, x, y):
        return dy.flip(-1).cumsum(-1).flip(-1)


class Centre(Pointwise):
    """``y = x − mean(x)`` over the batch."""

    def function(self, x):
        return x - x.mean(0)

    def to_input(self, dy, x, y):
        return dy - dy.mean(0)


class Standardise(Pointwise):
    """``y = (x − μ) / σ`` over the batch."""

    def function(self, x):
        return (x - x.mean(0)) / (x.var(0, unbiased=False) + 1e-3).sqrt()

    def to_input(self, dy, x, y):
        scale = (x.var(0, unbiased=False) + 1e-3).sqrt()
        return (dy - dy.mean(0) - y * (dy * y).mean(0)) / scale


class Pool(Pointwise):
    """The mean over the positions."""

    case = Case(shape=(2, 3, 4))

    def function(self, x):
        return x.mean(-1)

    def to_input(self, dy, x, y):
        return dy[..., None].expand_as(x) / x.shape[-1]


class LayerNorm(cn.Module):
    case = Case(shape=(5, 4))

    def __init__(self):
        self.weight = cn.Parameter(1 + draw(4) / 3)
        self.bias = cn.Parameter(draw(4))

    def forward(self, input):
        centred = input - input.mean(-1, keepdim=True)
        inverse = (centred.square().mean(-1, keepdim=True) + 1e-3).rsqrt()
        normal = centred * inverse
        self.save(normal, inverse)
        return normal * self.weight + self.bias

    def backward(self, grad_output):
        normal, inverse = self.saved()
        self.add_weight(grad_output.reshape(-1, 4), normal.reshape(-1, 4))
        self.bias.grad += grad_output.reshape(-1, 4).sum(0)
        return self.to_input(grad_output * self.weight, normal, inverse)

    def add_weight(self, dy, n):
        self.weight.grad += (dy * n).sum(0)

    def to_input(self, dn, n, inverse):
        return (dn - dn.mean(-1, keepdim=True) - n * (dn * n).mean(-1, keepdim=True)) * inverse


class Convolution(cn.Module):
    """``yₙₒₗ = Σ xₙ,c,ₗ₊ₖ wₒcₖ``"""

    case = Case(shape=(2, 3, 6))

    def __init__(self):
        self.weight = cn.Parameter(draw(2, 3, 3))

    def forward(self, input):
        self.save(input)
        return torch.einsum("nclk,ock->nol", input.unfold(2, 3, 1), self.weight)

    def backward(self, grad_output):
        (input,) = self.saved()
        self.add_weight(grad_output, input.unfold(2, 3, 1))
        return self.to_input(grad_output, torch.zeros_like(input))

    def add_weight(self, dy, patches):
        self.weight.grad += torch.einsum("nol,nclk->ock", dy, patches)

    def to_input(self, dy, dx):
        for k in range(3):
            dx[:, :, k : k + dy.shape[2]] += torch.einsum("nol,oc->ncl", dy, self.weight[:, :, k])
        return dx


def adds(name, gradient):
    """Return a method that adds ``gradient(self, …)`` to the parameter of that name."""

    def add(self, *given):
        getattr(self, name).grad += gradient(self, *given)

    return add


def weight(gradient):
    return {"add_weight": adds("weight", gradient)}


def to_input(gradient):
    return {"to_input": gradient}


def all_but_the_last_tap(self, dy, dx):
    for k in range(2):
        dx[:, :, k : k + dy.shape[2]] += torch.einsum("nol,oc->ncl", dy, self.weight[:, :, k])
    return dx


def first_tap_everywhere(self, dy, dx):
    for k in range(3):
        dx[:, :, k : k + dy.shape[2]] += torch.einsum("nol,oc->ncl", dy, self.weight[:, :, 0])
    return dx


def flipped_taps(self, dy, dx):
    for k in range(3):
        dx[:, :, k : k + dy.shape[2]] += torch.einsum("nol,oc->ncl", dy, self.weight[:, :, 2 - k])
    return dx


def one_place_late(self, dy, dx):
    return Convolution.to_input(self, dy, dx).roll(1, 2)


def edge_forgotten(self, dy, dx):
    dx = Convolution.to_input(self, dy, dx)
    dx[:, :, -1] = 0
    return dx


def softmax_with_a_plus(self, dy, x, y):
    return y * (dy + (dy * y).sum(-1, keepdim=True))


# What is written otherwise in which component, and a word of the diagnosis that is due ("" if none fits).
FAULTS = {
    "softmax's plus": (Softmax, {"to_input": softmax_with_a_plus}, "the sign is wrong"),
    "softmax's diagonal": (Softmax, to_input(lambda self, dy, x, y: dy * y * (1 - y)), "diagonal of the Jacobian"),
    "softmax without the sum": (Softmax, to_input(lambda self, dy, x, y: dy * y), "a term is missing"),
    "softmax over the batch": (Softmax, to_input(lambda self, dy, x, y: y * (dy - (dy * y).sum(0))), ""),
    "softmax ungated": (Softmax, to_input(lambda self, dy, x, y: dy - (dy * y).sum(-1, True)), "factor output"),
    "cumulated forwards": (Cumulative, to_input(lambda self, dy, x, y: dy.cumsum(-1)), "Jacobian is transposed"),
    "centred by nothing": (Centre, to_input(lambda self, dy, x, y: dy), "passed on"),
    "centred along the features": (Centre, to_input(lambda self, dy, x, y: dy - dy.mean(1, keepdim=True)), ""),
    "batch taken as constant": (
        Standardise,
        to_input(lambda self, dy, x, y: dy / (x.var(0, unbiased=False) + 1e-3).sqrt()),
        "treated as a constant",
    ),
    "variance taken as constant": (
        Standardise,
        to_input(lambda self, dy, x, y: (dy - dy.mean(0)) / (x.var(0, unbiased=False) + 1e-3).sqrt()),
        "a term is missing: off by output times",
    ),
    "pool not divided": (Pool, to_input(lambda self, dy, x, y: dy[..., None].expand_as(x)), "1/"),
    "pool handed back": (Pool, to_input(lambda self, dy, x, y: dy), "passed on"),
    "norm without the mean": (
        LayerNorm,
        to_input(lambda self, dn, n, inverse: (dn - n * (dn * n).mean(-1, keepdim=True)) * inverse),
        "a term is missing: off by one number for each line along dimension 1",
    ),
    "norm without the scale": (
        LayerNorm,
        to_input(lambda self, dn, n, i: dn - dn.mean(-1, keepdim=True) - n * (dn * n).mean(-1, keepdim=True)),
        "in this line makes it right",
    ),
    "norm's weight without the input": (LayerNorm, weight(lambda self, dy, n: dy.sum(0)), "gradient of bias"),
    "taps flipped": (Convolution, to_input(flipped_taps), ""),
    "tap forgotten": (Convolution, to_input(all_but_the_last_tap), ""),
    "tap repeated": (Convolution, to_input(first_tap_everywhere), ""),
    "convolution one place late": (Convolution, to_input(one_place_late), "shifted"),
    "convolution's edge": (Convolution, to_input(edge_forgotten), "look at the edges"),
    "kernel reversed": (
        Convolution,
        weight(lambda self, dy, p: torch.einsum("nol,nclk->ock", dy, p).flip(2)),
        "reversed: the right numbers in reverse order along dimension 2",
    ),
}  # fmt: skip
RIGHT = [Softmax, Cumulative, Centre, Standardise, Pool, LayerNorm, Convolution]


@pytest.mark.parametrize("component", RIGHT)
def test_a_right_component_has_right_gradients_and_no_diagnosis(component, examined):
    report = examined(component)
    assert report.ok, str(report)
    assert {tensor.diagnosis for tensor in report.tensors} == {""}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_named(fault, examined):
    component, methods, word = FAULTS[fault]
    report = examined(type("Faulty", (component,), methods))
    assert isinstance(report, Exception) or not report.ok
    assert word in str(report)


def test_there_are_enough_faults_and_most_have_a_name():
    assert len(FAULTS) >= 21
    assert sum(not word for _, _, word in FAULTS.values()) <= 5


@pytest.mark.parametrize("component", RIGHT)
def test_a_right_component_conforms(component):
    report = check_component(component, cases=[component.case])
    assert report.ok, str(report)


@pytest.mark.parametrize("fault", list(FAULTS)[::12])
def test_the_whole_kit_finds_a_planted_fault_and_names_it(fault):
    component, methods, word = FAULTS[fault]
    report = check_component(type("Faulty", (component,), methods), cases=[component.case])
    assert not report.ok
    assert word in str(report)
