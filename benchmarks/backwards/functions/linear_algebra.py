"""Functions of square matrices."""

from __future__ import annotations

import torch
from torch.autograd import Function

from benchmarks.backwards.functions.kernels import wide
from benchmarks.backwards.subject import Subject


def well_posed(draw):
    """Return matrices that are far from singular."""
    size = min(draw.columns, 5)
    return (draw.normal(draw.rows, size, size) / size + 2 * torch.eye(size, dtype=torch.float64),)


class Inverse(Function):
    """``Y = A⁻¹``; its gradient is ``−Yᵀ G Yᵀ``."""

    @staticmethod
    def forward(ctx, a):
        y = torch.linalg.inv(wide(a))
        ctx.save_for_backward(y)
        return y.to(a.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return (-y.mT @ wide(grad_output) @ y.mT).to(grad_output.dtype)


INVERSE = Subject("inverse", Inverse, well_posed)


@INVERSE.fault("not transposed", r"makes it right|transposed", "kind of stan-dev/math#1803")
class InverseTransposed(Inverse):
    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return (-y @ wide(grad_output) @ y).to(grad_output.dtype)


@INVERSE.fault("sign", r"sign", "kind of ChainRules#74")
class InverseSign(Inverse):
    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return (y.mT @ wide(grad_output) @ y.mT).to(grad_output.dtype)


class LogDeterminant(Function):
    """``log |det A|``; its gradient is ``A⁻ᵀ``."""

    @staticmethod
    def forward(ctx, a):
        ctx.save_for_backward(a)
        return torch.linalg.slogdet(wide(a))[1].to(a.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        (a,) = ctx.saved_tensors
        return (wide(grad_output)[..., None, None] * torch.linalg.inv(wide(a)).mT).to(a.dtype)


LOG_DETERMINANT = Subject("log determinant", LogDeterminant, well_posed)


@LOG_DETERMINANT.fault("not transposed", r"transposed|makes it right", "Theano#2066")
class LogDeterminantTransposed(LogDeterminant):
    @staticmethod
    def backward(ctx, grad_output):
        (a,) = ctx.saved_tensors
        return (wide(grad_output)[..., None, None] * torch.linalg.inv(wide(a))).to(a.dtype)


@LOG_DETERMINANT.fault("triangle only", r"mask|zero|lost", "pytorch#18825")
class LogDeterminantTriangle(LogDeterminant):
    @staticmethod
    def backward(ctx, grad_output):
        return LogDeterminant.backward(ctx, grad_output).tril()


class Solve(Function):
    """``x`` with ``A x = b``."""

    @staticmethod
    def forward(ctx, a, b):
        x = torch.linalg.solve(wide(a), wide(b))
        ctx.save_for_backward(a, x)
        return x.to(b.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        a, x = ctx.saved_tensors
        grad_b = torch.linalg.solve(wide(a).mT, wide(grad_output))
        return (-grad_b @ x.mT).to(a.dtype), grad_b.to(a.dtype)


def systems(draw):
    (a,) = well_posed(draw)
    return a, draw.normal(*a.shape[:-1], 2)


SOLVE = Subject("solve", Solve, systems)


@SOLVE.fault("matrix not transposed", r"makes it right|transposed", "kind of stan-dev/math#1803")
class SolveTransposed(Solve):
    @staticmethod
    def backward(ctx, grad_output):
        a, x = ctx.saved_tensors
        grad_b = torch.linalg.solve(wide(a), wide(grad_output))
        return (-grad_b @ x.mT).to(a.dtype), grad_b.to(a.dtype)


@SOLVE.fault("sign of the matrix", r"sign", "kind of ChainRules#74")
class SolveSign(Solve):
    @staticmethod
    def backward(ctx, grad_output):
        a, x = ctx.saved_tensors
        grad_b = torch.linalg.solve(wide(a).mT, wide(grad_output))
        return (grad_b @ x.mT).to(a.dtype), grad_b.to(a.dtype)


SUBJECTS = (INVERSE, LOG_DETERMINANT, SOLVE)
