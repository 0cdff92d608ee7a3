"""The loss of class indices, of which some do not count."""

from __future__ import annotations

import torch
from torch.autograd import Function

from benchmarks.backwards.functions.kernels import wide
from benchmarks.backwards.subject import Subject


class CrossEntropy(Function):
    """The mean over rows of ``log Σ exp x − x[target]``; rows of target −100 do not count."""

    @staticmethod
    def forward(ctx, x, target):
        logs = torch.log_softmax(wide(x), -1)
        counts = target != -100
        ctx.save_for_backward(logs, target)
        picked = logs.gather(-1, target.clamp(min=0)[:, None])[:, 0]
        return (-(picked * counts).sum() / counts.sum().clamp(min=1)).to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        logs, target = ctx.saved_tensors
        counts = target != -100
        grad_x = logs.exp() - torch.nn.functional.one_hot(target.clamp(min=0), logs.shape[-1])
        return (grad_output * grad_x * counts[:, None] / counts.sum().clamp(min=1)).to(grad_output.dtype), None


def classes(draw):
    """Return scores and targets, of which the last does not count if there are more than two."""
    columns = draw.columns + 1
    target = draw.integers(columns, draw.rows)
    target[2:][-1:] = -100
    return draw.normal(draw.rows, columns), target


CROSS_ENTROPY = Subject("cross entropy", CrossEntropy, classes)


@CROSS_ENTROPY.fault("upstream ignored", r"grad_output is ignored", "Liger-Kernel#968")
class CrossEntropyIgnores(CrossEntropy):
    @staticmethod
    def backward(ctx, grad_output):
        grad_x, _ = CrossEntropy.backward(ctx, torch.ones_like(grad_output))
        return grad_x, None


@CROSS_ENTROPY.fault(
    "rows that do not count have a gradient",
    r"mask|must be zero|zero|rows|makes it right|wrong only at index",
    "Paddle#28622",
)
class CrossEntropyPadding(CrossEntropy):
    @staticmethod
    def backward(ctx, grad_output):
        logs, target = ctx.saved_tensors
        counts = target != -100
        grad_x = logs.exp() - torch.nn.functional.one_hot(target.clamp(min=0), logs.shape[-1])
        return (grad_output * grad_x / counts.sum().clamp(min=1)).to(grad_output.dtype), None


@CROSS_ENTROPY.fault("divided by all rows", r"factor|mean|divided|makes it right", "aprender#2182")
class CrossEntropyRows(CrossEntropy):
    @staticmethod
    def backward(ctx, grad_output):
        logs, target = ctx.saved_tensors
        counts = target != -100
        grad_x = logs.exp() - torch.nn.functional.one_hot(target.clamp(min=0), logs.shape[-1])
        return (grad_output * grad_x * counts[:, None] / len(target)).to(grad_output.dtype), None


@CROSS_ENTROPY.fault("wrong in float16 alone", r"in float16", "kind of pytorch#190828", "plain", torch.float16)
class CrossEntropyHalf(CrossEntropy):
    """Has a kernel of its own for float16, which divides by all rows."""

    @staticmethod
    def backward(ctx, grad_output):
        logs, target = ctx.saved_tensors
        counts = target != -100
        grad_x = logs.exp() - torch.nn.functional.one_hot(target.clamp(min=0), logs.shape[-1])
        count = counts.sum().clamp(min=1) if grad_output.dtype != torch.float16 else len(target)
        return (grad_output * grad_x * counts[:, None] / count).to(grad_output.dtype), None


SUBJECTS = (CROSS_ENTROPY,)
