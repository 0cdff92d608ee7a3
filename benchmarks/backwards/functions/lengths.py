"""Normalisations of groups, and by length."""

from __future__ import annotations

import torch
from torch.autograd import Function

from benchmarks.backwards.functions.kernels import wide
from benchmarks.backwards.subject import Subject


class GroupNorm(Function):
    """The columns of each row normalised in two groups."""

    @staticmethod
    def forward(ctx, x):
        g = wide(x).unflatten(-1, (2, -1))
        scale = torch.rsqrt(g.var(-1, correction=0, keepdim=True) + 1e-5)
        n = (g - g.mean(-1, keepdim=True)) * scale
        ctx.save_for_backward(n, scale)
        return n.flatten(-2).to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        n, scale = ctx.saved_tensors
        g = wide(grad_output).unflatten(-1, (2, -1))
        grad_x = scale * (g - g.mean(-1, keepdim=True) - n * (g * n).mean(-1, keepdim=True))
        return grad_x.flatten(-2).to(grad_output.dtype)


GROUP_NORM = Subject("group norm", GroupNorm, lambda draw: (draw.normal(draw.rows, 2 * draw.columns + 4),))


@GROUP_NORM.fault("one group for two", r"dimension|makes it right", "tinygrad#4904")
class GroupNormOne(GroupNorm):
    """Takes the mean over all columns."""

    @staticmethod
    def backward(ctx, grad_output):
        n, scale = ctx.saved_tensors
        g = wide(grad_output).unflatten(-1, (2, -1))
        grad_x = scale * (g - g.mean((-2, -1), keepdim=True) - n * (g * n).mean(-1, keepdim=True))
        return grad_x.flatten(-2).to(grad_output.dtype)


@GROUP_NORM.fault("scale of the first group for all", r"factor|makes it right|half|index", "kind of FlagGems#5392")
class GroupNormFirst(GroupNorm):
    @staticmethod
    def backward(ctx, grad_output):
        n, scale = ctx.saved_tensors
        g = wide(grad_output).unflatten(-1, (2, -1))
        grad_x = scale[..., :1, :] * (g - g.mean(-1, keepdim=True) - n * (g * n).mean(-1, keepdim=True))
        return grad_x.flatten(-2).to(grad_output.dtype)


class Normalize(Function):
    """``y = x / |x|`` of each row, zero where a row is."""

    @staticmethod
    def forward(ctx, x):
        length = wide(x).norm(dim=-1, keepdim=True).clamp(min=1e-12)
        y = wide(x) / length
        ctx.save_for_backward(y, length)
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        y, length = ctx.saved_tensors
        g = wide(grad_output)
        return ((g - y * (g * y).sum(-1, keepdim=True)) / length).to(grad_output.dtype)


NORMALIZE = Subject("normalize", Normalize, lambda draw: (draw.normal(draw.rows, draw.columns + 1),))


@NORMALIZE.fault(
    "length taken as constant", r"makes it right|constant|missing|diagonal|number for each", "kind of sphereface#2"
)
class NormalizeConstant(Normalize):
    @staticmethod
    def backward(ctx, grad_output):
        _, length = ctx.saved_tensors
        return (wide(grad_output) / length).to(grad_output.dtype)


@NORMALIZE.fault("mean instead of sum", r"makes it right", "kind of cunn#318")
class NormalizeMean(Normalize):
    @staticmethod
    def backward(ctx, grad_output):
        y, length = ctx.saved_tensors
        g = wide(grad_output)
        return ((g - y * (g * y).mean(-1, keepdim=True)) / length).to(grad_output.dtype)


SUBJECTS = (GROUP_NORM, NORMALIZE)
