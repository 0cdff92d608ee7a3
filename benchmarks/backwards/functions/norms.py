"""Normalisations, of rows, of columns and of groups."""

from __future__ import annotations

import torch
from torch.autograd import Function

from benchmarks.backwards.functions.kernels import memory_of, wide
from benchmarks.backwards.subject import Subject


class LayerNorm(Function):
    """``y = w n + b`` with ``n = (x − mean) / √(var + ε)`` of each row."""

    @staticmethod
    def forward(ctx, x, w, b):
        wide_x = wide(x)
        scale = torch.rsqrt(wide_x.var(-1, correction=0, keepdim=True) + 1e-5)
        n = (wide_x - wide_x.mean(-1, keepdim=True)) * scale
        ctx.save_for_backward(n, scale, w)
        return (n * w + b).to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        n, scale, w = ctx.saved_tensors
        g = wide(grad_output)
        gw = g * w
        grad_x = scale * (gw - gw.mean(-1, keepdim=True) - n * (gw * n).mean(-1, keepdim=True))
        lead = tuple(range(g.dim() - 1))
        return grad_x.to(w.dtype), (g * n).sum(lead).to(w.dtype), g.sum(lead).to(w.dtype)


def affine(draw):
    """Return numbers with a weight and a bias of each column; one column has no variance."""
    columns = max(draw.columns, 2)
    return draw.normal(draw.rows, columns), draw.uniform(0.5, 1.5, columns), draw.normal(columns)


LAYER_NORM = Subject("layer norm", LayerNorm, affine)


@LAYER_NORM.fault("mean taken as constant", r"treated as a constant|missing", "kind of xla#8225")
class LayerNormMean(LayerNorm):
    @staticmethod
    def backward(ctx, grad_output):
        n, scale, w = ctx.saved_tensors
        g = wide(grad_output)
        gw = g * w
        grad_x = scale * (gw - n * (gw * n).mean(-1, keepdim=True))
        return grad_x.to(w.dtype), (g * n).sum(0).to(w.dtype), g.sum(0).to(w.dtype)


@LAYER_NORM.fault("weight forgotten", r"makes it right|weight|factor", "kind of llm.c#428")
class LayerNormWeight(LayerNorm):
    @staticmethod
    def backward(ctx, grad_output):
        n, scale, w = ctx.saved_tensors
        g = wide(grad_output)
        grad_x = scale * (g - g.mean(-1, keepdim=True) - n * (g * n).mean(-1, keepdim=True))
        return grad_x.to(w.dtype), (g * n).sum(0).to(w.dtype), g.sum(0).to(w.dtype)


@LAYER_NORM.fault("takes inputs of two dimensions only", r"dimensions", "FlagGems#5392", "more dimensions")
class LayerNormTwo(LayerNorm):
    """Takes all but the first dimension for the columns."""

    @staticmethod
    def backward(ctx, grad_output):
        n, scale, w = ctx.saved_tensors
        g = wide(grad_output)
        gw = (g * w).flatten(1)
        n2 = n.flatten(1)
        grad_x = (gw - gw.mean(-1, keepdim=True) - n2 * (gw * n2).mean(-1, keepdim=True)).view(n.shape) * scale
        lead = tuple(range(g.dim() - 1))
        return grad_x.to(w.dtype), (g * n).sum(lead).to(w.dtype), g.sum(lead).to(w.dtype)


@LAYER_NORM.fault(
    "rows lost in a sum", r"block is lost|samples are counted|sample is counted|lost", "kind of llm.c#428", "larger"
)
class LayerNormRows(LayerNorm):
    """Sums the gradient of the weight over whole blocks of 8 rows, if there are any."""

    @staticmethod
    def backward(ctx, grad_output):
        n, _, w = ctx.saved_tensors
        grad_x, grad_w, grad_b = LayerNorm.backward(ctx, grad_output)
        rows = len(n) // 8 * 8
        return grad_x, (wide(grad_output) * n)[:rows].sum(0).to(w.dtype) if rows else grad_w, grad_b


class RmsNorm(Function):
    """``y = w x / √(mean x² + ε)`` of each row."""

    @staticmethod
    def forward(ctx, x, w):
        wide_x = wide(x)
        scale = torch.rsqrt((wide_x**2).mean(-1, keepdim=True) + 1e-6)
        ctx.save_for_backward(x, scale, w)
        return (wide_x * scale * w).to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        x, scale, w = ctx.saved_tensors
        g, n = wide(grad_output), wide(x) * scale
        gw = g * w
        grad_x = scale * (gw - n * (gw * n).mean(-1, keepdim=True))
        return grad_x.to(x.dtype), (g * n).sum(tuple(range(g.dim() - 1))).to(w.dtype)


RMS_NORM = Subject("rms norm", RmsNorm, lambda draw: (draw.table, draw.uniform(0.5, 1.5, draw.columns)))


@RMS_NORM.fault(
    "scale taken as constant", r"makes it right|constant|missing|diagonal|number for each", "kind of mlpack#1923"
)
class RmsNormConstant(RmsNorm):
    @staticmethod
    def backward(ctx, grad_output):
        x, scale, w = ctx.saved_tensors
        g, n = wide(grad_output), wide(x) * scale
        return (scale * g * w).to(x.dtype), (g * n).sum(0).to(w.dtype)


@RMS_NORM.fault("sum instead of mean", r"makes it right", "kind of cunn#318")
class RmsNormSum(RmsNorm):
    @staticmethod
    def backward(ctx, grad_output):
        x, scale, w = ctx.saved_tensors
        g, n = wide(grad_output), wide(x) * scale
        gw = g * w
        grad_x = scale * (gw - n * (gw * n).sum(-1, keepdim=True))
        return grad_x.to(x.dtype), (g * n).sum(0).to(w.dtype)


@RMS_NORM.fault("upstream read as if contiguous", "contiguous", "FlagGems#1082", "strided upstream")
class RmsNormMemory(RmsNorm):
    @staticmethod
    def backward(ctx, grad_output):
        return RmsNorm.backward(ctx, memory_of(grad_output))


@RMS_NORM.fault("sum in bfloat16", r"rounded", "Liger-Kernel#950", "float32")
class RmsNormBfloat16(RmsNorm):
    """Rounds the terms of the gradient of the weight before their sum."""

    @staticmethod
    def backward(ctx, grad_output):
        x, scale, w = ctx.saved_tensors
        grad_x, grad_w = RmsNorm.backward(ctx, grad_output)
        if w.dtype == torch.float32:
            grad_w = (grad_output * x * scale).bfloat16().sum(0).float()
        return grad_x, grad_w


@RMS_NORM.fault("overflow in float16", r"large|not finite", "kind of pytorch#189581", "large", torch.float16)
class RmsNormOverflow(RmsNorm):
    """Adds the squares in float16, which holds numbers up to 65,504, and so divides by infinity."""

    @staticmethod
    def backward(ctx, grad_output):
        x, scale, w = ctx.saved_tensors
        if x.dtype == torch.float16:
            scale = torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6).float()
        g, n = wide(grad_output), wide(x) * scale
        gw = g * w
        grad_x = scale * (gw - n * (gw * n).mean(-1, keepdim=True))
        return grad_x.to(x.dtype), (g * n).sum(tuple(range(g.dim() - 1))).to(w.dtype)


class BatchNorm(Function):
    """``y = w n + b`` with ``n = (x − mean) / √(var + ε)`` of each column."""

    @staticmethod
    def forward(ctx, x, w, b):
        wide_x = wide(x)
        scale = torch.rsqrt(wide_x.var(0, correction=0) + 1e-5)
        n = (wide_x - wide_x.mean(0)) * scale
        ctx.save_for_backward(n, scale, w)
        return (n * w + b).to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        n, scale, w = ctx.saved_tensors
        g = wide(grad_output)
        grad_x = scale * w * (g - g.mean(0) - n * (g * n).mean(0))
        return grad_x.to(w.dtype), (g * n).sum(0).to(w.dtype), g.sum(0).to(w.dtype)


def batch(draw):
    return draw.normal(draw.rows + 2, draw.columns), draw.uniform(0.5, 1.5, draw.columns), draw.normal(draw.columns)


BATCH_NORM = Subject("batch norm", BatchNorm, batch)


@BATCH_NORM.fault("statistics taken as constants", r"constant", "mlpack#1923")
class BatchNormConstant(BatchNorm):
    @staticmethod
    def backward(ctx, grad_output):
        n, scale, w = ctx.saved_tensors
        g = wide(grad_output)
        return (scale * w * g).to(w.dtype), (g * n).sum(0).to(w.dtype), g.sum(0).to(w.dtype)


@BATCH_NORM.fault("wrong dimension", r"dimension", "kind of aprender#2182")
class BatchNormDimension(BatchNorm):
    @staticmethod
    def backward(ctx, grad_output):
        n, scale, w = ctx.saved_tensors
        g = wide(grad_output)
        grad_x = scale * w * (g - g.mean(1, keepdim=True) - n * (g * n).mean(0))
        return grad_x.to(w.dtype), (g * n).sum(0).to(w.dtype), g.sum(0).to(w.dtype)


@BATCH_NORM.fault("divisor of another variance", r"makes it right|makes it|constant", "kind of pytorch#94546")
class BatchNormCorrection(BatchNorm):
    """Divides by N − 1 where forward divides by N."""

    @staticmethod
    def backward(ctx, grad_output):
        n, scale, w = ctx.saved_tensors
        g = wide(grad_output)
        grad_x = scale * w * (g - g.mean(0) - n * (g * n).sum(0) / (len(g) - 1))
        return grad_x.to(w.dtype), (g * n).sum(0).to(w.dtype), g.sum(0).to(w.dtype)


SUBJECTS = (LAYER_NORM, RMS_NORM, BATCH_NORM)
