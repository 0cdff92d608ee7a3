"""The kit finds the faults that people make in a backward, and says which one it is."""

import pytest
import torch

import corenet as cn
from corenet.contracts.case import Case
from corenet.testing.conformance import check_component
from corenet.testing.gradcheck.gradcheck import examine
from corenet.testing.support.trial import Trial


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


# Right components, each with a place for a fault in each line of its backward.


class Affine(cn.Module):
    """``y = x Wᵀ + b``"""

    case = Case(shape=(5, 3))
    features = 4

    def __init__(self):
        self.weight = cn.Parameter(draw(self.features, 3))
        self.bias = cn.Parameter(draw(self.features))

    def check(self, input):
        self.check_floating(input)
        self.check_matches(input, self.weight)
        if input.shape[-1:] != (3,):
            raise cn.ShapeError(f"{self!r}", input.shape, "expected last dimension 3")

    def forward(self, input):
        self.save(input)
        return input @ self.weight.T + self.bias

    def backward(self, grad_output):
        (input,) = self.saved()
        flat_grad, flat_input = grad_output.reshape(-1, self.features), input.reshape(-1, 3)
        self.add_weight(flat_grad, flat_input)
        self.add_bias(flat_grad)
        return self.to_input(grad_output)

    def add_weight(self, dy, x):
        self.weight.grad += dy.T @ x

    def add_bias(self, dy):
        self.bias.grad += dy.sum(0)

    def to_input(self, dy):
        return dy @ self.weight


class Square(Affine):
    features = 3


class Gain(cn.Module):
    """``y = g · x``, a number for each feature."""

    case = Case(shape=(5, 3))

    def __init__(self):
        self.gain = cn.Parameter(draw(3))

    def check(self, input):
        self.check_floating(input)
        self.check_matches(input, self.gain)

    def forward(self, input):
        self.save(input)
        return input * self.gain

    def backward(self, grad_output):
        (input,) = self.saved()
        self.add_gain(grad_output.reshape(-1, 3), input.reshape(-1, 3))
        return self.to_input(grad_output)

    def add_gain(self, dy, x):
        self.gain.grad += (dy * x).sum(0)

    def to_input(self, dy):
        return dy * self.gain


class Temperature(cn.Module):
    """``y = t · x``, one number for all."""

    case = Case(shape=(5, 3))

    def __init__(self):
        self.factor = cn.Parameter(torch.tensor(1.3, dtype=torch.float64))

    def forward(self, input):
        self.save(input)
        return input * self.factor

    def backward(self, grad_output):
        (input,) = self.saved()
        self.add_factor(grad_output, input)
        return grad_output * self.factor

    def add_factor(self, dy, x):
        self.factor.grad += (dy * x).sum()


class Pointwise(cn.Module):
    """``y = f(x)``, with ``to_input(dy, x, y)`` for its derivative."""

    case = Case(shape=(5, 3))

    def forward(self, input):
        output = self.function(input)
        self.save(input, output)
        return output

    def backward(self, grad_output):
        return self.to_input(grad_output, *self.saved())


class Rectifier(Pointwise):
    case = Case(shape=(5, 3), kinks=(0.0,))

    def function(self, x):
        return x.clamp(min=0) + 0.0

    def to_input(self, dy, x, y):
        return dy * (x > 0)


class Leaky(Pointwise):
    case = Case(shape=(5, 3), kinks=(0.0,))

    def function(self, x):
        return torch.where(x > 0, x, 0.1 * x)

    def to_input(self, dy, x, y):
        return torch.where(x > 0, dy, 0.1 * dy)


class HardTanh(Pointwise):
    case = Case(shape=(5, 3), kinks=(-1.0, 1.0))

    def function(self, x):
        return x.clamp(-1, 1)

    def to_input(self, dy, x, y):
        return dy * (x.abs() < 1)


class Hyperbolic(Pointwise):
    def function(self, x):
        return x.tanh()

    def to_input(self, dy, x, y):
        return dy * (1 - y * y)


class Sine(Pointwise):
    def function(self, x):
        return x.sin()

    def to_input(self, dy, x, y):
        return dy * x.cos()


class Parabola(Pointwise):
    def function(self, x):
        return x * x

    def to_input(self, dy, x, y):
        return 2 * x * dy


class Swish(Pointwise):
    def function(self, x):
        return x * x.sigmoid()

    def to_input(self, dy, x, y):
        gate = x.sigmoid()
        return dy * (gate + y * (1 - gate))


class Softmax(Pointwise):
    def function(self, x):
        return x.softmax(-1)

    def to_input(self, dy, x, y):
        return y * (dy - (dy * y).sum(-1, keepdim=True))


class Drop(cn.Module):
    """``y = s · x`` with ``s`` drawn: 0 or 1 / 0.6."""

    case = Case(shape=(5, 4))

    def forward(self, input):
        if not self.training:
            return input.clone()
        scale = (torch.rand(input.shape) > 0.4).to(input.dtype) / 0.6
        self.save(scale)
        return input * scale

    def backward(self, grad_output):
        return self.to_input(grad_output, *self.saved())

    def to_input(self, dy, scale):
        return dy * scale


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


class Table(cn.Module):
    """Rows of a table, mixed: ``y = x T``."""

    case = Case(shape=(5, 3))

    def __init__(self):
        self.table = cn.Parameter(draw(3, 4))

    def forward(self, input):
        self.save(input)
        return input @ self.table

    def backward(self, grad_output):
        (input,) = self.saved()
        self.add_table(grad_output, input)
        return self.to_input(grad_output)

    def add_table(self, dy, x):
        self.table.grad += x.reshape(-1, 3).T @ dy.reshape(-1, 4)

    def to_input(self, dy):
        return dy @ self.table.T


class Residual(cn.Module):
    """``y = x + child(x)``"""

    case = Case(shape=(5, 3))

    def __init__(self):
        self.child = cn.Sequential(Square(), Hyperbolic())

    def forward(self, input):
        return input + self.child(input)

    def backward(self, grad_output):
        return self.to_input(grad_output)

    def to_input(self, dy):
        return dy + self.child.backward(dy)


class SquaredError(cn.ElementwiseLoss):
    case = Case(shape=(5, 3))

    def elements(self, input, target):
        return (input - target) ** 2

    def derivative(self, input, target):
        return 2 * (input - target)


class MeanAbsolute(cn.Loss):
    """The mean over the batch of the sum over the features."""

    case = Case(shape=(5, 3))

    def check(self, input, target):
        if input.shape != target.shape:
            raise cn.ShapeError(f"{self!r}", input.shape, f"expected {tuple(target.shape)}")
        if not len(input):
            raise cn.ShapeError(f"{self!r}", input.shape, "the mean of an empty batch is undefined")

    def forward(self, input, target):
        self.save(input, target)
        return (input - target).abs().sum() / len(input)

    def backward(self):
        return self.to_input(*self.saved())

    def to_input(self, x, t):
        return (x - t).sign() / len(x)


RIGHT = [
    Affine, Square, Gain, Temperature, Rectifier, Leaky, HardTanh, Hyperbolic, Sine, Parabola, Swish, Softmax, Drop,
    Cumulative, Centre, Standardise, Pool, LayerNorm, Convolution, Table, Residual, SquaredError, MeanAbsolute,
]  # fmt: skip


def adds(name, gradient):
    """Return a method that adds ``gradient(self, …)`` to the parameter of that name."""

    def add(self, *given):
        getattr(self, name).grad += gradient(self, *given)

    return add


def weight(gradient):
    return {"add_weight": adds("weight", gradient)}


def bias(gradient):
    return {"add_bias": adds("bias", gradient)}


def gain(gradient):
    return {"add_gain": adds("gain", gradient)}


def to_input(gradient):
    return {"to_input": gradient}


def assigned(self, dy, x):
    self.weight.grad.copy_(dy.T @ x)


def twice(self, dy, x):
    self.weight.grad += dy.T @ x
    self.weight.grad += dy.T @ x


def doubled(self, dy, x):
    self.weight.grad += self.weight.grad + dy.T @ x


def emptied(self, dy, x):
    self.weight.grad.zero_()


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


def swish_with_a_minus(self, dy, x, y):
    gate = x.sigmoid()
    return dy * (gate - y * (1 - gate))


def softmax_with_a_plus(self, dy, x, y):
    return y * (dy + (dy * y).sum(-1, keepdim=True))


# Name of the fault: the component, what is written otherwise, and a word of the diagnosis that is due ("" for none).
FAULTS = {
    # A parameter's gradient, assigned or accumulated wrongly.
    "sign of the weight": (Affine, weight(lambda self, dy, x: -(dy.T @ x)), "sign"),
    "weight divided by N": (Affine, weight(lambda self, dy, x: dy.T @ x / len(x)), "divided by N"),
    "weight times N": (Affine, weight(lambda self, dy, x: dy.T @ x * len(x)), "1/N missing"),
    "weight minus N times": (Affine, weight(lambda self, dy, x: -dy.T @ x * len(x)), "and the sign"),
    "weight divided by C": (Affine, weight(lambda self, dy, x: dy.T @ x / 3), "divided by C"),
    "weight divided by N·C": (Affine, weight(lambda self, dy, x: dy.T @ x / x.numel()), "divided by N·C"),
    "weight transposed": (Square, weight(lambda self, dy, x: x.T @ dy), "transposed"),
    "weight halved": (Affine, weight(lambda self, dy, x: dy.T @ x / 2), "factor 2 is missing"),
    "weight scaled": (Affine, weight(lambda self, dy, x: 0.7 * dy.T @ x), "0.7 times"),
    "weight forgotten": (Affine, weight(lambda self, dy, x: 0 * self.weight), "zero everywhere"),
    "weight not a number": (Affine, weight(lambda self, dy, x: dy.T @ x / 0), "not finite"),
    "weight assigned": (Affine, {"add_weight": assigned}, "assigned, not accumulated"),
    "weight added twice": (Affine, {"add_weight": twice}, "factor 2 too many"),
    "weight adds itself": (Affine, {"add_weight": doubled}, "once more"),
    "weight emptied": (Affine, {"add_weight": emptied}, "overwritten"),
    "weight decay inside": (Affine, weight(lambda self, dy, x: dy.T @ x + 0.01 * self.weight), "weight decay"),
    "weight with a constant": (Affine, weight(lambda self, dy, x: dy.T @ x + 0.5), "a constant is added"),
    "weight of the first sample": (Affine, weight(lambda self, dy, x: dy[:1].T @ x[:1]), "only the first sample"),
    "weight without the last sample": (Affine, weight(lambda self, dy, x: dy[:-1].T @ x[:-1]), "but the last"),
    "weight without upstream": (Affine, weight(lambda self, dy, x: (dy * 0 + 1).T @ x), "grad_output is ignored"),
    "weight squares upstream": (Affine, weight(lambda self, dy, x: (dy**2).T @ x), "a factor twice"),
    "weight loses upstream's sign": (Affine, weight(lambda self, dy, x: dy.abs().T @ x), "sign of grad_output"),
    "weight clipped": (Affine, weight(lambda self, dy, x: (dy.T @ x).clamp(-1, 1)), "clipped at 1"),
    "weight reversed": (Affine, weight(lambda self, dy, x: (dy.T @ x).flip(0)), "reversed"),
    "weight shifted": (Affine, weight(lambda self, dy, x: (dy.T @ x).roll(1, 0)), "shifted"),
    "weight normalised": (Affine, weight(lambda self, dy, x: (dy.T @ x).sign()), "size is lost"),
    "weight one element off": (Square, weight(lambda self, dy, x: dy.T @ x + torch.eye(1, 9).view(3, 3)), "index 0"),
    "weight six digits": (Affine, weight(lambda self, dy, x: dy.T @ x * (1 + 3e-6)), "almost right"),
    "weight three digits": (Affine, weight(lambda self, dy, x: dy.T @ x + 1e-4 * (dy.T @ x).sin()), "nearly right"),
    "bias averaged": (Affine, bias(lambda self, dy: dy.mean(0)), "divided by N"),
    "bias over everything": (Affine, bias(lambda self, dy: dy.sum()), "summed over dimension 0"),
    "bias over the wrong dimension": (Square, bias(lambda self, dy: dy[:3].sum(1)), "wrong dimension"),
    "bias of the first row": (Affine, bias(lambda self, dy: dy[0]), "only the first sample"),
    "bias of the last row": (Affine, bias(lambda self, dy: dy[-1]), "only the last sample"),
    "bias not summed": (Affine, bias(lambda self, dy: dy), "sum"),
    "gain without the input": (Gain, gain(lambda self, dy, x: dy.sum(0)), "the derivative is missing"),
    "gain exchanged": (Gain, {"to_input": lambda self, dy: dy}, "passed on"),
    "gain too many": (Gain, gain(lambda self, dy, x: (dy * x * self.gain).sum(0)), "extra factor gain"),
    "gain averaged": (Gain, gain(lambda self, dy, x: (dy * x).mean(0)), "divided by N"),
    "gain squared for the input": (Gain, to_input(lambda self, dy: dy * self.gain**2), "extra factor gain"),
    "factor averaged": (Temperature, {"add_factor": adds("factor", lambda self, dy, x: (dy * x).mean())}, "N·C"),
    "factor of the rows": (Temperature, {"add_factor": adds("factor", lambda self, dy, x: (dy * x)[0].sum())}, "first"),
    # The input's gradient through a matrix.
    "matrix not transposed": (Square, to_input(lambda self, dy: dy @ self.weight.T), "Jacobian is transposed"),
    "bias in the input": (Square, to_input(lambda self, dy: dy @ self.weight + self.bias), "bias is added"),
    "input transposed": (Affine, to_input(lambda self, dy: (dy @ self.weight).T), "transposed"),
    "input summed": (Affine, to_input(lambda self, dy: (dy @ self.weight).sum(0)), "summed over dimension 0"),
    "input flattened": (Affine, to_input(lambda self, dy: (dy @ self.weight).flatten()), "wrong shape"),
    "input with a dimension more": (Affine, to_input(lambda self, dy: dy[..., None] * self.weight), "not summed"),
    "nothing returned": (Affine, to_input(lambda self, dy: None), "returns None"),
    "table not transposed": (Table, to_input(lambda self, dy: dy), "passed on"),
    "table averaged": (Table, {"add_table": adds("table", lambda self, dy, x: x.T @ dy / 5)}, "divided by N"),
    # A function of each element.
    "mask missing": (Rectifier, to_input(lambda self, dy, x, y: dy), "ours must be zero where input < 0"),
    "mask reversed": (Rectifier, to_input(lambda self, dy, x, y: dy * (x < 0)), "mask is reversed"),
    "mask of upstream": (Rectifier, to_input(lambda self, dy, x, y: dy.clamp(min=0) * (x > 0)), "grad_output < 0"),
    "mask at one": (Rectifier, to_input(lambda self, dy, x, y: dy * (x > 1)), "mask of backward is too wide"),
    "mask of one side": (HardTanh, to_input(lambda self, dy, x, y: dy * (x > -1)), "mask of forward is missing"),
    "mask of neither side": (HardTanh, to_input(lambda self, dy, x, y: dy + 0), "must be zero where |input| > 1"),
    "mask without slope": (Leaky, to_input(lambda self, dy, x, y: dy * (x > 0)), "is zero where input < 0"),
    "slope of the other side": (
        Leaky,
        to_input(lambda self, dy, x, y: torch.where(x > 0, dy, 0.2 * dy)),
        "2 times too large where input < 0",
    ),
    "tanh passed on": (Hyperbolic, to_input(lambda self, dy, x, y: dy), "derivative is missing"),
    "tanh without upstream": (Hyperbolic, to_input(lambda self, dy, x, y: 1 - y * y), "grad_output is ignored"),
    "tanh of the input": (Hyperbolic, to_input(lambda self, dy, x, y: dy * (1 - x * x)), "save the output"),
    "tanh sign": (Hyperbolic, to_input(lambda self, dy, x, y: dy * (y * y - 1)), "sign"),
    "sine's sign": (Sine, to_input(lambda self, dy, x, y: -dy * x.cos()), "sign"),
    "sine of the output": (Sine, to_input(lambda self, dy, x, y: dy * y.cos()), "at the output"),
    "sine for cosine": (Sine, to_input(lambda self, dy, x, y: dy * x.sin()), ""),
    "square without its 2": (Parabola, to_input(lambda self, dy, x, y: x * dy), "factor 2 is missing"),
    "square without the input": (Parabola, to_input(lambda self, dy, x, y: 2 * dy), "factor input is missing"),
    "sine with a factor": (Sine, to_input(lambda self, dy, x, y: dy * x * x.cos()), "extra factor input"),
    "swish's gate alone": (Swish, to_input(lambda self, dy, x, y: dy * x.sigmoid()), ""),
    "swish's minus": (Swish, {"to_input": swish_with_a_minus}, "the sign is wrong"),
    "softmax's plus": (Softmax, {"to_input": softmax_with_a_plus}, "the sign is wrong"),
    "dropout unmasked": (Drop, to_input(lambda self, dy, s: dy / 0.6), "mask of forward is missing"),
    "dropout unscaled": (Drop, to_input(lambda self, dy, s: dy * (s > 0)), "0.6 times"),
    "dropout drawn anew": (Drop, to_input(lambda self, dy, s: dy * (torch.rand(dy.shape) > 0.4) / 0.6), "another mask"),
    # What one element does to the output of another.
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
        "a factor for each sample",
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
    # What is below.
    "no shortcut": (Residual, to_input(lambda self, dy: self.child.backward(dy)), "term grad_output is missing"),
    "residual without its child": (Residual, to_input(lambda self, dy: dy + 0 * self.child.backward(dy)), "passed on"),
    "residual skips its child": (Residual, to_input(lambda self, dy: dy), "backward of child.0, Square(), never used"),
    # Losses.
    "loss's sign": (SquaredError, {"derivative": lambda self, x, t: 2 * (t - x)}, "sign"),
    "loss divided twice": (SquaredError, {"derivative": lambda self, x, t: 2 * (x - t) / len(x)}, "divided by N"),
    "loss without its 2": (SquaredError, {"derivative": lambda self, x, t: x - t}, "factor 2 is missing"),
    "loss without its mean": (MeanAbsolute, {"to_input": lambda self, x, t: (x - t).sign()}, "1/N missing"),
    "loss over all": (MeanAbsolute, {"to_input": lambda self, x, t: (x - t).sign() / x.numel()}, "divided by C"),
    "loss not its sign": (MeanAbsolute, {"to_input": lambda self, x, t: (x - t) / len(x)}, ""),
}  # fmt: skip


def examined(cls):
    """Return the report of the gradients, or the error that ended it."""
    trial = Trial(cls, cls.case)
    built = trial.build()
    inputs = [trial.input()] if isinstance(built, cn.Module) else [trial.input(), trial.target()]
    try:
        return examine(built, *inputs)
    except (cn.CorenetError, RuntimeError) as error:
        return error


def faulty(fault):
    component, methods, _ = FAULTS[fault]
    return type("Faulty", (component,), methods)


@pytest.mark.parametrize("component", RIGHT)
def test_a_right_component_has_right_gradients_and_no_diagnosis(component):
    report = examined(component)
    assert report.ok, str(report)
    assert {tensor.diagnosis for tensor in report.tensors} == {""}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_named(fault):
    report = examined(faulty(fault))
    assert isinstance(report, Exception) or not report.ok
    assert FAULTS[fault][2] in str(report)


def test_there_are_enough_faults_and_most_have_a_name():
    assert len(FAULTS) >= 60
    assert sum(bool(word) for _, _, word in FAULTS.values()) >= 0.9 * len(FAULTS)


@pytest.mark.parametrize("component", RIGHT)
def test_a_right_component_conforms(component):
    report = check_component(component, cases=[component.case])
    assert report.ok, str(report)


@pytest.mark.parametrize("fault", list(FAULTS)[::12])
def test_the_whole_kit_finds_a_planted_fault_and_names_it(fault):
    cls = faulty(fault)
    report = check_component(cls, cases=[cls.case])
    assert not report.ok
    assert FAULTS[fault][2] in str(report)
