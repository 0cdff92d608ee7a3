"""Functions of each element that are made of pieces."""

from __future__ import annotations

import torch
from torch.autograd import Function

from benchmarks.backwards.functions.kernels import memory_of, wide
from benchmarks.backwards.subject import Subject


class Elu(Function):
    """``y = x`` above zero, ``α (eˣ − 1)`` below."""

    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x)
        ctx.alpha = alpha
        return torch.where(x > 0, x, alpha * torch.expm1(x))

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.where(x > 0, 1.0, ctx.alpha * torch.exp(x)), None


ELU = Subject("elu", Elu, lambda draw: (draw.table, 0.7))


@ELU.fault("factor of a branch lost", r"one side|makes it right", "kind of gsplat#136")
class EluAlpha(Elu):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.where(x > 0, 1.0, torch.exp(x)), None


@ELU.fault("formula in terms of the output given the input", r"makes it right|one side|output", "kind of pytorch#4081")
class EluOutput(Elu):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.where(x > 0, 1.0, x + ctx.alpha), None


class LeakyRelu(Function):
    """``y = x`` above zero, ``a x`` below; ``a`` is a number of each column, and trained."""

    @staticmethod
    def forward(ctx, x, a):
        ctx.save_for_backward(x, a)
        return torch.where(x > 0, x, a * x)

    @staticmethod
    def backward(ctx, grad_output):
        x, a = ctx.saved_tensors
        grad_a = (grad_output * torch.where(x > 0, 0.0, x)).sum(0)
        return grad_output * torch.where(x > 0, torch.ones_like(x), a), grad_a


LEAKY_RELU = Subject("leaky relu", LeakyRelu, lambda draw: (draw.table, draw.uniform(0.1, 0.5, draw.columns)))


@LEAKY_RELU.fault("mask reversed", r"makes it right|reversed|one side", "kind of k2#341")
class LeakyReluReversed(LeakyRelu):
    @staticmethod
    def backward(ctx, grad_output):
        x, a = ctx.saved_tensors
        grad_a = (grad_output * torch.where(x > 0, 0.0, x)).sum(0)
        return grad_output * torch.where(x < 0, torch.ones_like(x), a), grad_a


@LEAKY_RELU.fault("mask forgotten", r"mask|one side|missing", "kind of numpy-ml#94")
class LeakyReluUnmasked(LeakyRelu):
    @staticmethod
    def backward(ctx, grad_output):
        x, a = ctx.saved_tensors
        return grad_output * torch.where(x > 0, torch.ones_like(x), a), (grad_output * x).sum(0)


@LEAKY_RELU.fault(
    "order of what is returned", r"alone require a gradient|order|exchanged", "kind of needs_input_grad", "subset"
)
class LeakyReluOrder(LeakyRelu):
    @staticmethod
    def backward(ctx, grad_output):
        x, a = ctx.saved_tensors
        grad_x = grad_output * torch.where(x > 0, torch.ones_like(x), a)
        if not ctx.needs_input_grad[0]:
            return None, grad_x.sum(0)
        return grad_x, (grad_output * torch.where(x > 0, 0.0, x)).sum(0)


class HardSwish(Function):
    """``y = x · clamp(x + 3, 0, 6) / 6``."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * (x + 3).clamp(0, 6) / 6

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        slope = torch.where(x.abs() < 3, x / 3 + 0.5, torch.where(x > 0, 1.0, 0.0))
        return grad_output * slope.to(x.dtype)


HARD_SWISH = Subject("hard swish", HardSwish, lambda draw: (2.5 * draw.table,))


@HARD_SWISH.fault("boundary", r"mask|lost|one side|zero", "kind of pytorch#23925")
class HardSwishBoundary(HardSwish):
    """Forgets the branch above 3."""

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.where(x.abs() < 3, x / 3 + 0.5, 0.0).to(x.dtype)


@HARD_SWISH.fault("term forgotten", r"makes it right|missing|one side", "kind of mamba#537")
class HardSwishTerm(HardSwish):
    """Forgets that x is a factor too."""

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.where(x.abs() < 3, x / 6 + 0.5, torch.where(x > 0, 1.0, 0.0)).to(x.dtype)


class Clip(Function):
    """``y = x`` between 0 and a trained bound ``a``, and the nearer of them beyond: a quantizer without its steps."""

    @staticmethod
    def forward(ctx, x, a):
        ctx.save_for_backward(x, a)
        return torch.minimum(x.clamp(min=0), a)

    @staticmethod
    def backward(ctx, grad_output):
        x, a = ctx.saved_tensors
        inside, above = (x > 0) & (x < a), x >= a
        return grad_output * inside, wide(grad_output * above).sum().to(a.dtype)


CLIP = Subject("clip", Clip, lambda draw: (1.5 * draw.table, draw.uniform(0.8, 1.2)))


@CLIP.fault("mask forgotten", r"mask|passed on", "nni#3159")
class ClipUnmasked(Clip):
    @staticmethod
    def backward(ctx, grad_output):
        x, a = ctx.saved_tensors
        return grad_output.clone(), wide(grad_output * (x >= a)).sum().to(a.dtype)


@CLIP.fault("mask of one side", r"mask|one side", "kind of ao#4806")
class ClipOneSide(Clip):
    @staticmethod
    def backward(ctx, grad_output):
        x, a = ctx.saved_tensors
        return grad_output * (x < a), wide(grad_output * (x >= a)).sum().to(a.dtype)


@CLIP.fault("memory read as if contiguous", "contiguous", "kind of flash-attention#355", "strided upstream")
class ClipMemory(Clip):
    @staticmethod
    def backward(ctx, grad_output):
        x, a = ctx.saved_tensors
        grad_output = memory_of(grad_output)
        return grad_output * ((x > 0) & (x < a)), wide(grad_output * (x >= a)).sum().to(a.dtype)


SUBJECTS = (ELU, LEAKY_RELU, HARD_SWISH, CLIP)
