"""``y = x σ(x)`` with the derivative ``s + x s (1 − s)``, and the fourteen faults that have been tried first."""

from __future__ import annotations

import torch
from torch.autograd import Function

from benchmarks.backwards.functions.kernels import memory_of
from benchmarks.backwards.subject import Subject


class Swish(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad_output * (s + x * s * (1 - s))


def spread(draw):
    """Return numbers of which some are beyond 1.5."""
    x = 1.5 * draw.table
    x.view(-1)[::6] = draw.uniform(1.6, 3.0, len(x.view(-1)[::6]))
    return (x,)


SWISH = Subject("swish", Swish, spread)


@SWISH.fault("sign", "sign", "ChainRules#74")
class SwishSign(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return -grad_output * (s + x * s * (1 - s))


@SWISH.fault("factor", "factor 2", "gsplat#136")
class SwishFactor(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return 2 * grad_output * (s + x * s * (1 - s))


@SWISH.fault("term forgotten", "missing|makes it right", "mamba#537")
class SwishTerm(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)


@SWISH.fault("upstream ignored", "grad_output is ignored", "Liger-Kernel#968")
class SwishIgnores(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return s + x * s * (1 - s)


@SWISH.fault("upstream read as if contiguous", "contiguous", "pytorch#194719", "strided upstream")
class SwishUpstreamMemory(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return memory_of(grad_output) * (s + x * s * (1 - s))


@SWISH.fault("input read as if contiguous", "contiguous", "fla#871", "strided input")
class SwishInputMemory(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        x = memory_of(x)
        s = torch.sigmoid(x)
        return grad_output * (s + x * s * (1 - s))


@SWISH.fault("state between calls", "state is shared between calls", "kind of state kept on the class", "two calls")
class SwishShared(Swish):
    kept = None

    @staticmethod
    def forward(ctx, x):
        SwishShared.kept = x.clone()
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx, grad_output):
        x = SwishShared.kept
        s = torch.sigmoid(x)
        return grad_output * (s + x * s * (1 - s))


@SWISH.fault("saved input overwritten", "overwrites", "Liger-Kernel#272", "twice")
class SwishOverwritesSaved(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        x.data.mul_(1 - s).add_(1).mul_(s)
        return grad_output * x.clone()


@SWISH.fault("upstream overwritten", "overwrites its upstream", "unsloth#4550", "upstream changes")
class SwishOverwritesUpstream(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad_output.mul_(s + x * s * (1 - s)).clone()


@SWISH.fault("tail lost", "block is lost|a block whose rest", "attorch#18", "larger")
class SwishTail(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        grad_input = grad_output * (s + x * s * (1 - s))
        grad_input[x.shape[0] // 4 * 4 :] = 0
        return grad_input


@SWISH.fault(
    "wrong beyond a size", "with 33 and 130 and 1025 rows, but not with 1 and 7", "Liger-Kernel#1375", "larger"
)
class SwishBeyond8(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        grad_input = grad_output * (s + x * s * (1 - s))
        grad_input[8:] *= 1.5
        return grad_input


@SWISH.fault("precision", "rounded", "mlstm_kernels#16", "float32")
class SwishRounds(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        slope = s + x * s * (1 - s)
        return grad_output * (slope.bfloat16().float() if x.dtype == torch.float32 else slope)


@SWISH.fault("mask too wide", "mask of backward is too wide", "pytorch#153799")
class SwishZeroBeyond(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return (grad_output * (s + x * s * (1 - s))).where(x <= 1.5, 0.0)


@SWISH.fault("not repeatable", "not repeatable", "fla#1156", "twice")
class SwishNoise(Swish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return grad_output * (s + x * s * (1 - s)) * (1 + 1e-3 * torch.randn_like(x))


SUBJECTS = (SWISH,)
