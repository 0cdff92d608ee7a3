"""Convolutions, pooling and interpolation of signals: ``(batch, channels, length)``."""

from __future__ import annotations

import torch
from torch.autograd import Function
from torch.nn import functional

from benchmarks.backwards.subject import Subject


class Conv(Function):
    """Convolution with a stride of 2 and a padding of 1."""

    @staticmethod
    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w)
        return functional.conv1d(x, w, b, stride=2, padding=1)

    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        g, size = grad_output, w.shape[-1]
        rest = x.shape[-1] + 2 - (2 * (g.shape[-1] - 1) + size)  # what the last window leaves
        grad_x = functional.conv_transpose1d(g, w, stride=2, padding=1, output_padding=rest)
        windows = functional.pad(x, (1, 1)).unfold(-1, size, 2)  # batch, channels, places, size
        return grad_x, torch.einsum("nop,ncps->ocs", g, windows), g.sum((0, 2))


def signals(draw):
    return draw.normal(2, 3, 2 * draw.columns + draw.rows % 2 + 2), draw.normal(4, 3, 3), draw.normal(4)


CONV = Subject("conv1d", Conv, signals)


@CONV.fault("kernel not reversed", r"makes it right|wrong|permuted|reversed", "kind of cTensor#3")
class ConvFlipped(Conv):
    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        g, size = grad_output, w.shape[-1]
        rest = x.shape[-1] + 2 - (2 * (g.shape[-1] - 1) + size)
        grad_x = functional.conv_transpose1d(g, w.flip(-1), stride=2, padding=1, output_padding=rest)
        windows = functional.pad(x, (1, 1)).unfold(-1, size, 2)
        return grad_x, torch.einsum("nop,ncps->ocs", g, windows), g.sum((0, 2))


@CONV.fault("divided by the places", r"factor|divided|mean|1/", "cTensor#3")
class ConvMean(Conv):
    @staticmethod
    def backward(ctx, grad_output):
        grad_x, grad_w, grad_b = Conv.backward(ctx, grad_output)
        return grad_x, grad_w / (grad_output.shape[0] * grad_output.shape[2]), grad_b


@CONV.fault("bias divided by the places", r"factor|divided|mean|1/", "oneflow#255")
class ConvBias(Conv):
    @staticmethod
    def backward(ctx, grad_output):
        grad_x, grad_w, _ = Conv.backward(ctx, grad_output)
        return grad_x, grad_w, grad_output.mean(2).sum(0)


@CONV.fault("stride forgotten in the weight", r"makes it right|stride", "deep-learning-coursera#34")
class ConvStride(Conv):
    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        grad_x, _, grad_b = Conv.backward(ctx, grad_output)
        windows = functional.pad(x, (1, 1)).unfold(-1, w.shape[-1], 1)[:, :, : grad_output.shape[-1]]
        return grad_x, torch.einsum("nop,ncps->ocs", grad_output, windows), grad_b


@CONV.fault("lengths that the stride does not divide", r"columns|length", "backpack#30", "larger")
class ConvRest(Conv):
    """Puts zeros where the last window leaves a rest, also where it leaves none."""

    @staticmethod
    def backward(ctx, grad_output):
        grad_x, grad_w, grad_b = Conv.backward(ctx, grad_output)
        if grad_x.shape[-1] % 2:
            grad_x[..., -1] = 0
        return grad_x, grad_w, grad_b


class CausalConv(Function):
    """A convolution of each channel by itself, that sees a place and the three before it."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return (functional.pad(x, (3, 0)).unfold(-1, 4, 1) * w[:, None]).sum(-1)

    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        grad_x = (functional.pad(grad_output, (0, 3)).unfold(-1, 4, 1) * w.flip(-1)[:, None]).sum(-1)
        return grad_x, (functional.pad(x, (3, 0)).unfold(-1, 4, 1) * grad_output[..., None]).sum((0, 2))


CAUSAL_CONV = Subject(
    "causal conv", CausalConv, lambda draw: (draw.normal(2, 3, draw.rows + draw.columns), draw.normal(3, 4))
)


@CAUSAL_CONV.fault("short sequences", r"columns|with 1", "fla#1140", "smaller")
class CausalConvShort(CausalConv):
    """Starts at place 0 where a sequence is shorter than the kernel."""

    @staticmethod
    def backward(ctx, grad_output):
        x, _ = ctx.saved_tensors
        grad_x, grad_w = CausalConv.backward(ctx, grad_output)
        if x.shape[-1] < 3:
            grad_w = (functional.pad(x, (0, 3)).unfold(-1, 4, 1) * grad_output[..., None]).sum((0, 2))
        return grad_x, grad_w


@CAUSAL_CONV.fault("kernel not reversed", r"makes it right|reversed|flip", "kind of cTensor#3")
class CausalConvFlipped(CausalConv):
    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        grad_x = (functional.pad(grad_output, (0, 3)).unfold(-1, 4, 1) * w[:, None]).sum(-1)
        return grad_x, (functional.pad(x, (3, 0)).unfold(-1, 4, 1) * grad_output[..., None]).sum((0, 2))


class AvgPool(Function):
    """Means over windows of 3 every 2; the last window may hang over, and is the mean of what it holds."""

    @staticmethod
    def forward(ctx, x):
        ctx.size = x.shape[-1]
        return functional.avg_pool1d(x, 3, 2, ceil_mode=True)

    @staticmethod
    def backward(ctx, grad_output):
        starts = torch.arange(grad_output.shape[-1]) * 2
        counts = (ctx.size - starts).clamp(max=3)
        return spread_back(grad_output / counts.to(grad_output.dtype), starts, ctx.size)


def spread_back(values, starts, size):
    """Return the sums of ``values`` over the windows of 3 that hold each of ``size`` places."""
    grad = values.new_zeros(*values.shape[:-1], size + 3)
    for offset in range(3):
        grad.index_add_(-1, starts + offset, values)
    return grad[..., :size]


AVG_POOL = Subject("average pool", AvgPool, lambda draw: (draw.normal(2, draw.rows, draw.columns + 3),))


@AVG_POOL.fault("divisor of the last window", r"edges|index|columns|makes it right", "burn#5604", "larger")
class AvgPoolDivisor(AvgPool):
    @staticmethod
    def backward(ctx, grad_output):
        return spread_back(grad_output / 3, torch.arange(grad_output.shape[-1]) * 2, ctx.size)


@AVG_POOL.fault("overlap written, not added", r"overlap|makes it right|lost|index", "Flux.jl#1197")
class AvgPoolOverlap(AvgPool):
    @staticmethod
    def backward(ctx, grad_output):
        starts = torch.arange(grad_output.shape[-1]) * 2
        values = grad_output / (ctx.size - starts).clamp(max=3).to(grad_output.dtype)
        grad = values.new_zeros(*values.shape[:-1], ctx.size + 3)
        for offset in range(3):
            grad[..., starts + offset] = values
        return grad[..., : ctx.size]


class MaxPool(Function):
    """Maxima over windows of 3 every 2."""

    @staticmethod
    def forward(ctx, x):
        y, places = functional.max_pool1d(x, 3, 2, return_indices=True)
        ctx.save_for_backward(places)
        ctx.size = x.shape[-1]
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (places,) = ctx.saved_tensors
        grad = grad_output.new_zeros(*grad_output.shape[:-1], ctx.size)
        return grad.scatter_add(-1, places, grad_output)


MAX_POOL = Subject("max pool", MaxPool, lambda draw: (draw.normal(2, draw.rows, 2 * draw.columns + 3),))


@MAX_POOL.fault(
    "a maximum of two windows counts once",
    r"once|repetitions|makes it right|right in all but|lost|index",
    "Flux.jl#1197",
)
class MaxPoolOnce(MaxPool):
    @staticmethod
    def backward(ctx, grad_output):
        (places,) = ctx.saved_tensors
        grad = grad_output.new_zeros(*grad_output.shape[:-1], ctx.size)
        return grad.scatter(-1, places, grad_output)


@MAX_POOL.fault("passed to all of a window", r"mask|summed|zero|makes it right|index|wrong", "kind of Theano#4568")
class MaxPoolAll(MaxPool):
    @staticmethod
    def backward(ctx, grad_output):
        return spread_back(grad_output, torch.arange(grad_output.shape[-1]) * 2, ctx.size)


class Upsample(Function):
    """Twice as many places, by lines between those given; the first and last stay."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(weights := interpolation(x.shape[-1], 2 * x.shape[-1]).to(x.dtype))
        return x @ weights

    @staticmethod
    def backward(ctx, grad_output):
        (weights,) = ctx.saved_tensors
        return grad_output @ weights.T


def interpolation(size, wanted):
    """Return the weights of ``size`` places in each of ``wanted`` ones."""
    at = torch.linspace(0, size - 1, wanted, dtype=torch.float64)
    return (1 - (at - torch.arange(size, dtype=torch.float64)[:, None]).abs()).clamp(min=0)


UPSAMPLE = Subject("upsample", Upsample, lambda draw: (draw.normal(draw.rows, draw.columns + 1),))


@UPSAMPLE.fault("terms at the edge lost", r"edges|index|lost|columns", "FlagGems#5218")
class UpsampleEdge(Upsample):
    @staticmethod
    def backward(ctx, grad_output):
        (weights,) = ctx.saved_tensors
        near = weights.clone()
        near[0, 1:] = 0
        return grad_output @ near.T


@UPSAMPLE.fault("nearest place only", r"makes it right|wrong|lost|size", "kind of FlagGems#5218")
class UpsampleNearest(Upsample):
    @staticmethod
    def backward(ctx, grad_output):
        (weights,) = ctx.saved_tensors
        return grad_output @ weights.round().T


SUBJECTS = (CONV, CAUSAL_CONV, AVG_POOL, MAX_POOL, UPSAMPLE)
