"""Gated units, dropout with a mask, and rotary positions."""

from __future__ import annotations

import torch
from torch.autograd import Function
from torch.nn import functional

from benchmarks.backwards.functions.kernels import memory_of
from benchmarks.backwards.subject import Subject


class SwiGlu(Function):
    """``y = a σ(a) b``."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return functional.silu(a) * b

    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        s = torch.sigmoid(a)
        return grad_output * b * (s + a * s * (1 - s)), grad_output * a * s


SWIGLU = Subject("swiglu", SwiGlu, lambda draw: (draw.table, draw.table))


@SWIGLU.fault("inputs overwritten", r"backward overwrites a", "Liger-Kernel#254", "twice")
class SwiGluInPlace(SwiGlu):
    """Writes the gradients where the inputs lie, to save memory."""

    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        grad_a, grad_b = SwiGlu.backward(ctx, grad_output)
        return a.data.copy_(grad_a), b.data.copy_(grad_b)


@SWIGLU.fault("gradients exchanged", r"exchanged", "kind of iree-turbine#1223")
class SwiGluExchanged(SwiGlu):
    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        s = torch.sigmoid(a)
        return grad_output * a * s, grad_output * b * (s + a * s * (1 - s))


@SWIGLU.fault("term forgotten", r"makes it right|missing", "mamba#537")
class SwiGluTerm(SwiGlu):
    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        s = torch.sigmoid(a)
        return grad_output * b * s, grad_output * a * s


@SWIGLU.fault("wrong for some of the inputs alone", r"alone require", "kind of needs_input_grad", "subset")
class SwiGluSubset(SwiGlu):
    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        s = torch.sigmoid(a)
        if ctx.needs_input_grad[0]:
            return grad_output * b * (s + a * s * (1 - s)), grad_output * a * s
        return None, grad_output * a


class Glu(Function):
    """``y = a σ(b)`` of the two halves of the columns."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        a, b = x.chunk(2, -1)
        return a * torch.sigmoid(b)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        a, b = x.chunk(2, -1)
        s = torch.sigmoid(b)
        return torch.cat([grad_output * s, grad_output * a * s * (1 - s)], -1)


GLU = Subject("glu", Glu, lambda draw: (draw.normal(draw.rows, 2 * draw.columns),))


@GLU.fault("halves exchanged", r"makes it right|permuted|shifted|wrong", "kind of iree-turbine#1223")
class GluHalves(Glu):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        a, b = x.chunk(2, -1)
        s = torch.sigmoid(b)
        return torch.cat([grad_output * a * s * (1 - s), grad_output * s], -1)


@GLU.fault("memory left unwritten", r"never written", "FlagGems#1082", "unwritten")
class GluUnwritten(Glu):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        half = grad_output.shape[-1]
        grad_input = torch.empty_like(x)
        a, b = x.chunk(2, -1)
        s = torch.sigmoid(b)
        grad_input[..., :half] = grad_output * s
        grad_input[:-1, half:] = (grad_output * a * s * (1 - s))[:-1]
        return grad_input


class GeGlu(Function):
    """``y = gelu(a) b`` with the gelu of the error function."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return functional.gelu(a) * b

    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        phi = 0.5 * (1 + torch.erf(a * 0.5**0.5))
        density = torch.exp(-0.5 * a * a) * (2 * torch.pi) ** -0.5
        return grad_output * b * (phi + a * density), grad_output * a * phi


GEGLU = Subject("geglu", GeGlu, lambda draw: (draw.table, draw.table))


@GEGLU.fault(
    "another approximation than forward's",
    r"approximation|nearly right|almost right|makes it right",
    "kind of llm.c#307",
)
class GeGluTanh(GeGlu):
    """The derivative of the tanh form."""

    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        c = (2 / torch.pi) ** 0.5
        t = torch.tanh(c * (a + 0.044715 * a**3))
        slope = 0.5 * (1 + t) + 0.5 * a * (1 - t * t) * c * (1 + 3 * 0.044715 * a**2)
        return grad_output * b * slope, grad_output * a * 0.5 * (1 + t)


@GEGLU.fault("sign inside", r"sign", "kind of ChainRules#74")
class GeGluSign(GeGlu):
    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        phi = 0.5 * (1 + torch.erf(a * 0.5**0.5))
        density = torch.exp(-0.5 * a * a) * (2 * torch.pi) ** -0.5
        return grad_output * b * (phi - a * density), grad_output * a * phi


class Dropout(Function):
    """``y = x m / (1 − p)`` with a mask ``m`` that is drawn in forward."""

    @staticmethod
    def forward(ctx, x, p):
        mask = torch.rand(x.shape) >= p
        ctx.save_for_backward(mask)
        ctx.p = p
        return x * mask / (1 - p)

    @staticmethod
    def backward(ctx, grad_output):
        (mask,) = ctx.saved_tensors
        return grad_output * mask / (1 - ctx.p), None


def with_zeros(draw):
    """Return numbers of which every third is zero."""
    x = draw.table
    x.view(-1)[::3] = 0
    return x, 0.3


DROPOUT = Subject("dropout", Dropout, with_zeros)


@DROPOUT.fault("mask forgotten", r"mask", "numpy-ml#94")
class DropoutUnmasked(Dropout):
    @staticmethod
    def backward(ctx, grad_output):
        return grad_output / (1 - ctx.p), None


@DROPOUT.fault("scale forgotten", r"factor", "kind of numpy-ml#94")
class DropoutScale(Dropout):
    @staticmethod
    def backward(ctx, grad_output):
        (mask,) = ctx.saved_tensors
        return grad_output * mask, None


@DROPOUT.fault("another mask than forward's", r"another mask|draws random|not repeatable", "kind of voodoo#19")
class DropoutOther(Dropout):
    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * (torch.rand(grad_output.shape) >= ctx.p) / (1 - ctx.p), None


@DROPOUT.fault("mask from the values", r"mask|kept|zero", "kaldi#3890")
class DropoutValues(Dropout):
    """Takes what is zero for dropped, and so passes what was zero before."""

    @staticmethod
    def forward(ctx, x, p):
        mask = torch.rand(x.shape) >= p
        y = x * mask / (1 - p)
        ctx.save_for_backward(x, y)
        ctx.p = p
        return y

    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        return grad_output * torch.where(x == 0, 1.0, y / x).to(x.dtype), None


class Rope(Function):
    """Pairs of columns turned by angles: ``y = x cos + turn(x) sin`` with ``turn(a, b) = (−b, a)``."""

    @staticmethod
    def forward(ctx, x, cos, sin):
        if x.shape[-1] % 2:
            raise ValueError(f"columns come in pairs, not {x.shape[-1]}")
        ctx.save_for_backward(cos, sin)
        return x * cos + turned(x) * sin

    @staticmethod
    def backward(ctx, grad_output):
        cos, sin = ctx.saved_tensors
        return grad_output * cos - turned(grad_output * sin), None, None


def turned(x):
    a, b = x.chunk(2, -1)
    return torch.cat([-b, a], -1)


def angles(draw):
    """Return numbers and their angles, of which those of the two halves differ."""
    cos, sin = draw.uniform(-1, 1, draw.rows, 2 * draw.columns), draw.uniform(-1, 1, draw.rows, 2 * draw.columns)
    return draw.normal(draw.rows, 2 * draw.columns).requires_grad_(), cos, sin


ROPE = Subject("rope", Rope, angles)


@ROPE.fault("multiplied after the turn", r"makes it right|wrong|transposed", "Paddle#74716")
class RopeOrder(Rope):
    @staticmethod
    def backward(ctx, grad_output):
        cos, sin = ctx.saved_tensors
        return grad_output * cos - turned(grad_output) * sin, None, None


@ROPE.fault("sign", r"sign|transposed", "kind of candle#3612")
class RopeSign(Rope):
    """Turns on, not back."""

    @staticmethod
    def backward(ctx, grad_output):
        cos, sin = ctx.saved_tensors
        return grad_output * cos + turned(grad_output * sin), None, None


@ROPE.fault("upstream read as if contiguous", "contiguous", "kind of flash-attention#355", "strided upstream")
class RopeMemory(Rope):
    @staticmethod
    def backward(ctx, grad_output):
        cos, sin = ctx.saved_tensors
        grad_output = memory_of(grad_output)
        return grad_output * cos - turned(grad_output * sin), None, None


SUBJECTS = (SWIGLU, GLU, GEGLU, DROPOUT, ROPE)
