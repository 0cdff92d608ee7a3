"""Products of matrices, and attention."""

from __future__ import annotations

import torch
from torch.autograd import Function

from benchmarks.backwards.functions.kernels import memory_of, wide
from benchmarks.backwards.subject import Subject


class Linear(Function):
    """``y = x Wᵀ + b``."""

    @staticmethod
    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w)
        return x @ w.T + b

    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        rows = grad_output.flatten(0, -2)
        return grad_output @ w, rows.T @ x.flatten(0, -2), rows.sum(0)


LINEAR = Subject("linear", Linear, lambda draw: (draw.table, draw.normal(5, draw.columns), draw.normal(5)))


@LINEAR.fault("mean instead of sum", r"divided|mean|makes it right|factor", "kind of differentiation#1")
class LinearMean(Linear):
    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        return grad_output @ w, grad_output.T @ x, grad_output.mean(0)


@LINEAR.fault("one row counted", r"sample is counted|only the|makes it right", "kind of aprender#2182")
class LinearRow(Linear):
    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        return grad_output @ w, grad_output[:1].T @ x[:1], grad_output.sum(0)


@LINEAR.fault("takes inputs of two dimensions only", r"dimensions|raised", "kind of FlagGems#5392", "more dimensions")
class LinearTwo(Linear):
    """Counts the first row of each matrix of a batch."""

    @staticmethod
    def backward(ctx, grad_output):
        x, w = ctx.saved_tensors
        first, rows = x.flatten(1)[:, : w.shape[1]], grad_output.flatten(1)[:, : len(w)]
        return grad_output @ w, rows.T @ first, grad_output.flatten(0, -2).sum(0)


class MatMul(Function):
    """Products of two batches of matrices."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a @ b

    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        return grad_output @ b.mT, a.mT @ grad_output


def matrices(draw):
    return draw.normal(draw.rows, 3, draw.columns), draw.normal(draw.rows, draw.columns, 3)


MATMUL = Subject("matmul", MatMul, matrices)


@MATMUL.fault("transposed", r"transposed|makes it right|dimensions exchanged", "kind of iree-turbine#1223")
class MatMulTransposed(MatMul):
    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        return grad_output @ b.mT, a.mT @ grad_output.mT


@MATMUL.fault("saved matrix read as if contiguous", "contiguous", "fla#871", "strided input")
class MatMulMemory(MatMul):
    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        return grad_output @ memory_of(b).mT, memory_of(a).mT @ grad_output


@MATMUL.fault("product in bfloat16", r"rounded", "mlstm_kernels#16", "float32")
class MatMulRounds(MatMul):
    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        if a.dtype != torch.float32:
            return MatMul.backward(ctx, grad_output)
        g = grad_output.bfloat16()
        return (g @ b.bfloat16().mT).float(), (a.bfloat16().mT @ g).float()


class Bilinear(Function):
    """``y = xᵀ A z`` of each row."""

    @staticmethod
    def forward(ctx, x, a, z):
        if x.dim() != 2:
            raise ValueError(f"rows of numbers, not {x.dim()} dimensions")
        ctx.save_for_backward(x, a, z)
        return ((x @ a) * z).sum(-1)

    @staticmethod
    def backward(ctx, grad_output):
        x, a, z = ctx.saved_tensors
        g = grad_output[:, None]
        return g * (z @ a.T), x.T @ (g * z), g * (x @ a)


BILINEAR = Subject(
    "bilinear", Bilinear, lambda draw: (draw.table, draw.normal(draw.columns, 3), draw.normal(draw.rows, 3))
)


@BILINEAR.fault("upstream once, not for each row", r"grad_output|makes it right|missing", "Liger-Kernel#968")
class BilinearIgnores(Bilinear):
    @staticmethod
    def backward(ctx, grad_output):
        x, a, z = ctx.saved_tensors
        g = grad_output[:, None]
        return g * (z @ a.T), x.T @ z, g * (x @ a)


@BILINEAR.fault(
    "gradient where none is asked, none where it is", r"alone require", "kind of needs_input_grad", "subset"
)
class BilinearSubset(Bilinear):
    @staticmethod
    def backward(ctx, grad_output):
        x, a, z = ctx.saved_tensors
        g = grad_output[:, None]
        grad_x = g * (z @ a.T) if ctx.needs_input_grad[0] else None
        grad_a = x.T @ (g * z) if ctx.needs_input_grad[0] and ctx.needs_input_grad[1] else None
        return grad_x, grad_a, g * (x @ a)


class Attention(Function):
    """``softmax(q kᵀ / √d) v``, causal: a row sees those before it and itself."""

    @staticmethod
    def forward(ctx, q, k, v):
        seen = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool).tril()
        scores = wide(q) @ wide(k).mT / q.shape[-1] ** 0.5
        p = torch.softmax(scores.masked_fill(~seen, -torch.inf), -1)
        ctx.save_for_backward(q, k, v, p)
        return (p @ wide(v)).to(v.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        q, k, v, p = ctx.saved_tensors
        g = wide(grad_output)
        grad_p = g @ wide(v).mT
        grad_s = p * (grad_p - (grad_p * p).sum(-1, keepdim=True)) / q.shape[-1] ** 0.5
        grad_q, grad_k, grad_v = grad_s @ wide(k), grad_s.mT @ wide(q), p.mT @ g
        return grad_q.to(q.dtype), grad_k.to(k.dtype), grad_v.to(v.dtype)


def heads(draw):
    return tuple(draw.normal(2, draw.rows, draw.columns) for _ in "qkv")


ATTENTION = Subject("attention", Attention, heads)


@ATTENTION.fault("scale forgotten", r"factor|makes it right|constant", "kind of flash-attention#355")
class AttentionScale(Attention):
    @staticmethod
    def backward(ctx, grad_output):
        q, k, v, p = ctx.saved_tensors
        g = wide(grad_output)
        grad_p = g @ wide(v).mT
        grad_s = p * (grad_p - (grad_p * p).sum(-1, keepdim=True))
        grad_q, grad_k, grad_v = grad_s @ wide(k), grad_s.mT @ wide(q), p.mT @ g
        return grad_q.to(q.dtype), grad_k.to(k.dtype), grad_v.to(v.dtype)


@ATTENTION.fault("upstream read as if contiguous", "contiguous", "flash-attention#355", "strided upstream")
class AttentionMemory(Attention):
    @staticmethod
    def backward(ctx, grad_output):
        return Attention.backward(ctx, memory_of(grad_output))


@ATTENTION.fault("term of the softmax forgotten", r"makes it right|missing", "kind of gsplat#623")
class AttentionTerm(Attention):
    @staticmethod
    def backward(ctx, grad_output):
        q, k, v, p = ctx.saved_tensors
        g = wide(grad_output)
        grad_s = p * (g @ wide(v).mT) / q.shape[-1] ** 0.5
        grad_q, grad_k, grad_v = grad_s @ wide(k), grad_s.mT @ wide(q), p.mT @ g
        return grad_q.to(q.dtype), grad_k.to(k.dtype), grad_v.to(v.dtype)


@ATTENTION.fault(
    "keys of the last block lost", r"block is lost|a block whose rest|lost|rows, but not", "burn#5296", "larger"
)
class AttentionBlock(Attention):
    """Handles whole blocks of 4 keys, and what is less than one."""

    @staticmethod
    def backward(ctx, grad_output):
        grad_q, grad_k, grad_v = Attention.backward(ctx, grad_output)
        count = grad_k.shape[-2] // 4 * 4
        if count:
            grad_k[..., count:, :] = 0
        return grad_q, grad_k, grad_v


SUBJECTS = (LINEAR, MATMUL, BILINEAR, ATTENTION)
