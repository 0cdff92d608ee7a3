"""Losses of numbers and targets."""

from __future__ import annotations

import torch
from torch.autograd import Function
from torch.nn import functional

from benchmarks.backwards.functions.kernels import wide
from benchmarks.backwards.subject import Subject


def trained(draw, target):
    """Return numbers that have a gradient, and a target that has none."""
    return draw.table.requires_grad_(), target


class MeanSquare(Function):
    """The mean of ``(x − t)²``."""

    @staticmethod
    def forward(ctx, x, t):
        ctx.save_for_backward(x, t)
        return (wide(x - t) ** 2).mean().to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        x, t = ctx.saved_tensors
        return 2 * grad_output * (x - t) / x.numel(), None


MEAN_SQUARE = Subject("mean square", MeanSquare, lambda draw: trained(draw, draw.table))


@MEAN_SQUARE.fault("factor 2 forgotten", r"factor 2", "cunn#318")
class MeanSquareTwo(MeanSquare):
    @staticmethod
    def backward(ctx, grad_output):
        x, t = ctx.saved_tensors
        return grad_output * (x - t) / x.numel(), None


@MEAN_SQUARE.fault("mean over rows only", r"1/|factor|missing", "mlpack#3144")
class MeanSquareRows(MeanSquare):
    @staticmethod
    def backward(ctx, grad_output):
        x, t = ctx.saved_tensors
        return 2 * grad_output * (x - t) / len(x), None


@MEAN_SQUARE.fault("upstream ignored", r"grad_output is ignored", "Liger-Kernel#1298")
class MeanSquareIgnores(MeanSquare):
    @staticmethod
    def backward(ctx, grad_output):
        x, t = ctx.saved_tensors
        return 2 * (x - t) / x.numel(), None


class LogitLoss(Function):
    """Binary cross entropy of ``σ(x)``, not reduced, with a weight of the positive class."""

    @staticmethod
    def forward(ctx, x, t, positive):
        ctx.save_for_backward(x, t)
        ctx.positive = positive
        return positive * t * functional.softplus(-x) + (1 - t) * functional.softplus(x)

    @staticmethod
    def backward(ctx, grad_output):
        x, t = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad_output * ((1 - t) * s - ctx.positive * t * (1 - s)), None, None


LOGIT_LOSS = Subject(
    "logit loss", LogitLoss, lambda draw: (*trained(draw, draw.uniform(0, 1, draw.rows, draw.columns)), 1.7)
)


@LOGIT_LOSS.fault("weight forgotten", r"makes it right|missing", "kind of mlpack#3144")
class LogitLossWeight(LogitLoss):
    @staticmethod
    def backward(ctx, grad_output):
        x, t = ctx.saved_tensors
        return grad_output * (torch.sigmoid(x) - t), None, None


@LOGIT_LOSS.fault("sigmoid forgotten", r"makes it right|missing", "kind of mamba#537")
class LogitLossSigmoid(LogitLoss):
    @staticmethod
    def backward(ctx, grad_output):
        x, t = ctx.saved_tensors
        return grad_output * ((1 - t) * x - ctx.positive * t * (1 - x)), None, None


class Huber(Function):
    """``d²/2`` of the difference ``d`` within 1, ``|d| − 1/2`` beyond; summed."""

    @staticmethod
    def forward(ctx, x, t):
        ctx.save_for_backward(x, t)
        d = wide(x - t)
        return torch.where(d.abs() < 1, d * d / 2, d.abs() - 0.5).sum().to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        x, t = ctx.saved_tensors
        return grad_output * (x - t).clamp(-1, 1), None


HUBER = Subject("huber", Huber, lambda draw: trained(draw, draw.table))


@HUBER.fault("slope of the square beyond the bound", r"one side|clamp|makes it right|bound|mask|wrong", "mlpack#3144")
class HuberUnclipped(Huber):
    @staticmethod
    def backward(ctx, grad_output):
        x, t = ctx.saved_tensors
        return grad_output * (x - t), None


@HUBER.fault("sign beyond the bound lost", r"sign|makes it right|clip", "kind of k2#341")
class HuberSign(Huber):
    @staticmethod
    def backward(ctx, grad_output):
        x, t = ctx.saved_tensors
        return grad_output * (x - t).clamp(max=1), None


class Divergence(Function):
    """``Σ t (log t − x)`` of log-probabilities ``x`` and probabilities ``t``, over the number of rows."""

    @staticmethod
    def forward(ctx, x, t):
        ctx.save_for_backward(t)
        return (wide(torch.xlogy(t, t) - t * x).sum() / len(x)).to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        (t,) = ctx.saved_tensors
        return -grad_output * t / len(t), None


def probabilities(draw):
    return trained(draw, torch.softmax(draw.table, -1))


DIVERGENCE = Subject("divergence", Divergence, probabilities)


@DIVERGENCE.fault("divided by all elements", r"factor|divided|1/", "mlpack#3144")
class DivergenceElements(Divergence):
    @staticmethod
    def backward(ctx, grad_output):
        (t,) = ctx.saved_tensors
        return -grad_output * t / t.numel(), None


@DIVERGENCE.fault("extra term", r"makes it right|added|extra", "mlpack#1365")
class DivergenceTerm(Divergence):
    @staticmethod
    def backward(ctx, grad_output):
        (t,) = ctx.saved_tensors
        return -grad_output * (t + 1) / len(t), None


class Cosine(Function):
    """The cosine of the angle between each row of two tables."""

    @staticmethod
    def forward(ctx, a, b):
        wide_a, wide_b = wide(a), wide(b)
        a_length, b_length = wide_a.norm(dim=-1, keepdim=True), wide_b.norm(dim=-1, keepdim=True)
        cosine = (wide_a * wide_b).sum(-1, keepdim=True) / (a_length * b_length)
        ctx.save_for_backward(a, b, a_length, b_length, cosine)
        return cosine[..., 0].to(a.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        a, b, a_length, b_length, cosine = ctx.saved_tensors
        g = wide(grad_output)[..., None]
        unit_a, unit_b = a / a_length, b / b_length
        grad_a = g * (unit_b - cosine * unit_a) / a_length
        return grad_a.to(a.dtype), (g * (unit_a - cosine * unit_b) / b_length).to(b.dtype)


def two_tables(draw):
    return draw.normal(draw.rows, draw.columns + 1), draw.normal(draw.rows, draw.columns + 1)


COSINE = Subject("cosine", Cosine, two_tables)


@COSINE.fault("length of the other", r"makes it right", "mlpack#3144")
class CosineLength(Cosine):
    @staticmethod
    def backward(ctx, grad_output):
        a, b, a_length, b_length, cosine = ctx.saved_tensors
        g = wide(grad_output)[..., None]
        unit_a, unit_b = a / a_length, b / b_length
        grad_a = g * (unit_b - cosine * unit_a) / b_length
        return grad_a.to(a.dtype), (g * (unit_a - cosine * unit_b) / b_length).to(b.dtype)


@COSINE.fault("length taken as constant", r"makes it right|constant|missing|number for each", "kind of sphereface#2")
class CosineConstant(Cosine):
    @staticmethod
    def backward(ctx, grad_output):
        a, b, a_length, b_length, cosine = ctx.saved_tensors
        g = wide(grad_output)[..., None]
        unit_a, unit_b = a / a_length, b / b_length
        return (g * unit_b / a_length).to(a.dtype), (g * (unit_a - cosine * unit_b) / b_length).to(b.dtype)


@COSINE.fault("None where a gradient is due", r"None|needs_input_grad|zero everywhere", "kind of gpytorch#1543")
class CosineNone(Cosine):
    @staticmethod
    def backward(ctx, grad_output):
        return Cosine.backward(ctx, grad_output)[0], None


SUBJECTS = (MEAN_SQUARE, LOGIT_LOSS, HUBER, DIVERGENCE, COSINE)
