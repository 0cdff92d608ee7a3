"""Softmax and what is made of it."""

from __future__ import annotations

import torch
from torch.autograd import Function

from benchmarks.backwards.functions.kernels import memory_of
from benchmarks.backwards.subject import Subject


class Softmax(Function):
    """``y = exp x / Σ exp x`` of each row."""

    @staticmethod
    def forward(ctx, x):
        y = torch.softmax(x, -1)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return y * (grad_output - (grad_output * y).sum(-1, keepdim=True))


SOFTMAX = Subject("softmax", Softmax, lambda draw: (draw.normal(draw.rows, draw.columns + 1),))


@SOFTMAX.fault("only the diagonal", r"diagonal", "kind of mamba#537")
class SoftmaxDiagonal(Softmax):
    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return grad_output * y * (1 - y)


@SOFTMAX.fault("factor forgotten", r"makes it right|factor output", "kind of mamba#537")
class SoftmaxFactor(Softmax):
    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return y * (grad_output - grad_output.sum(-1, keepdim=True))


@SOFTMAX.fault("wrong dimension", r"dimension", "kind of aprender#2182")
class SoftmaxDimension(Softmax):
    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return y * (grad_output - (grad_output * y).sum(0, keepdim=True))


@SOFTMAX.fault("tail of a row lost", r"block is lost|block whose rest|columns", "attorch#18", "larger")
class SoftmaxTail(Softmax):
    """Looks at the first 128 columns."""

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return y * (grad_output - (grad_output * y)[..., :128].sum(-1, keepdim=True))


class LogSoftmax(Function):
    """``y = x − log Σ exp x`` of each row."""

    @staticmethod
    def forward(ctx, x):
        y = torch.log_softmax(x, -1)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return grad_output - y.exp() * grad_output.sum(-1, keepdim=True)


LOG_SOFTMAX = Subject("log softmax", LogSoftmax, lambda draw: (draw.normal(draw.rows, draw.columns + 1),))


@LOG_SOFTMAX.fault("exp forgotten", r"makes it right|exp", "kind of pytorch#32876")
class LogSoftmaxExp(LogSoftmax):
    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return grad_output - y * grad_output.sum(-1, keepdim=True)


@LOG_SOFTMAX.fault("takes an upstream of ones", r"without grad_output", "Liger-Kernel#1298")
class LogSoftmaxOnes(LogSoftmax):
    """Right for one-hot upstream gradients, as those of a loss of classes are up to the sign."""

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return grad_output + y.exp()


class LogSumExp(Function):
    """``y = log Σ exp x`` of each row."""

    @staticmethod
    def forward(ctx, x):
        y = torch.logsumexp(x, -1)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        return grad_output[..., None] * (x - y[..., None]).exp()


LOGSUMEXP = Subject("logsumexp", LogSumExp, lambda draw: (draw.table,))


@LOGSUMEXP.fault("overflow of large numbers", r"not finite|large", "kind of pytorch#32876", "large")
class LogSumExpOverflow(LogSumExp):
    """Takes exp of the numbers themselves, which is infinite above 709."""

    @staticmethod
    def backward(ctx, grad_output):
        x, _ = ctx.saved_tensors
        return grad_output[..., None] * x.exp() / x.exp().sum(-1, keepdim=True)


@LOGSUMEXP.fault(
    "derivative passed on without it", r"has a gradient of its own|missing|summed|passed on", "kind of Liger-Kernel#968"
)
class LogSumExpMean(LogSumExp):
    @staticmethod
    def backward(ctx, grad_output):
        x, _ = ctx.saved_tensors
        return grad_output[..., None].expand(x.shape) / x.shape[-1]


@LOGSUMEXP.fault(
    "upstream with a stride of zero read as memory", "contiguous", "TransformerEngine#623", "strided upstream"
)
class LogSumExpMemory(LogSumExp):
    @staticmethod
    def backward(ctx, grad_output):
        return LogSumExp.backward(ctx, memory_of(grad_output))


class CausalSoftmax(Function):
    """Softmax of each row of square matrices up to the diagonal, zero beyond."""

    @staticmethod
    def forward(ctx, x):
        seen = torch.ones(x.shape[-2:], dtype=torch.bool).tril()
        y = torch.softmax(x.masked_fill(~seen, -torch.inf), -1)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return y * (grad_output - (grad_output * y).sum(-1, keepdim=True))


CAUSAL_SOFTMAX = Subject(
    "causal softmax", CausalSoftmax, lambda draw: (draw.normal(draw.rows, draw.columns, draw.columns),)
)


@CAUSAL_SOFTMAX.fault("mask forgotten", r"mask", "kind of mojo_opset#386")
class CausalSoftmaxUnmasked(CausalSoftmax):
    """Lets gradients through to what forward has masked."""

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        grad_x = y * (grad_output - (grad_output * y).sum(-1, keepdim=True))
        return torch.where(y == 0, grad_output, grad_x)


@CAUSAL_SOFTMAX.fault("mask one off", r"lost|mask|zero", "kind of pytorch#153799")
class CausalSoftmaxOneOff(CausalSoftmax):
    """Leaves out the diagonal."""

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return (y * (grad_output - (grad_output * y).sum(-1, keepdim=True))).tril(-1)


SUBJECTS = (SOFTMAX, LOG_SOFTMAX, LOGSUMEXP, CAUSAL_SOFTMAX)
