"""Means, variances and norms, and functions of tensors that are broadcast."""

from __future__ import annotations

import torch
from torch.autograd import Function

from benchmarks.backwards.functions.kernels import memory_of, wide
from benchmarks.backwards.subject import Subject


class Mean(Function):
    """The mean of each row."""

    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return x.mean(-1)

    @staticmethod
    def backward(ctx, grad_output):
        return (grad_output[..., None] / ctx.shape[-1]).expand(ctx.shape)


MEAN = Subject("mean", Mean, lambda draw: (draw.table,))


@MEAN.fault("divisor forgotten", r"1/|factor", "kind of cunn#318")
class MeanDivisor(Mean):
    @staticmethod
    def backward(ctx, grad_output):
        return grad_output[..., None].expand(ctx.shape)


@MEAN.fault(
    "divided by all elements", r"mean over the wrong dimension|divided|factor|makes it right", "kind of aprender#2182"
)
class MeanAll(Mean):
    @staticmethod
    def backward(ctx, grad_output):
        return (grad_output[..., None] / ctx.shape.numel()).expand(ctx.shape)


@MEAN.fault("upstream with a stride of zero read as memory", "contiguous", "TransformerEngine#623", "strided upstream")
class MeanMemory(Mean):
    @staticmethod
    def backward(ctx, grad_output):
        return (memory_of(grad_output)[..., None] / ctx.shape[-1]).expand(ctx.shape)


class Variance(Function):
    """The variance of each row, over N − 1."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return wide(x).var(-1).to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        centred = wide(x) - wide(x).mean(-1, keepdim=True)
        return (2 * wide(grad_output)[..., None] * centred / (x.shape[-1] - 1)).to(x.dtype)


VARIANCE = Subject("variance", Variance, lambda draw: (draw.normal(draw.rows, draw.columns + 2),))


@VARIANCE.fault("divisor of another variance", r"factor|makes it right", "kind of pytorch#94546")
class VarianceDivisor(Variance):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        centred = wide(x) - wide(x).mean(-1, keepdim=True)
        return (2 * wide(grad_output)[..., None] * centred / x.shape[-1]).to(x.dtype)


@VARIANCE.fault("mean forgotten", r"missing|makes it right|constant|number for each", "AdaIN-style#24")
class VarianceMean(Variance):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return (2 * wide(grad_output)[..., None] * wide(x) / (x.shape[-1] - 1)).to(x.dtype)


class Norm(Function):
    """The length of each row; at a row of zeros the gradient is taken to be zero."""

    @staticmethod
    def forward(ctx, x):
        y = wide(x).norm(dim=-1)
        ctx.save_for_backward(x, y)
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        return (wide(grad_output / y.clamp(min=1e-12))[..., None] * x).to(x.dtype)


NORM = Subject("norm", Norm, lambda draw: (draw.table,))


@NORM.fault("not a number at zero", r"not finite|NaN|zeros", "pytorch#2421", "zero")
class NormZero(Norm):
    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        return (wide(grad_output / y)[..., None] * x).to(x.dtype)


@NORM.fault("square for the length", r"makes it right|factor", "kind of moreh_norm of tt-metal#55585")
class NormSquare(Norm):
    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        return (wide(grad_output / (y * y))[..., None] * x).to(x.dtype)


class Product(Function):
    """``y = x b`` with a number ``b`` for each column."""

    @staticmethod
    def forward(ctx, x, b):
        ctx.save_for_backward(x, b)
        return x * b

    @staticmethod
    def backward(ctx, grad_output):
        x, b = ctx.saved_tensors
        return grad_output * b, (grad_output * x).sum(tuple(range(x.dim() - 1)))


PRODUCT = Subject("product", Product, lambda draw: (draw.table, draw.normal(draw.columns)))


@PRODUCT.fault("broadcast, and not summed", r"counted|summed|sum|one row|makes it right", "kind of nd4j#2424")
class ProductRow(Product):
    """Returns the first row of what should be summed."""

    @staticmethod
    def backward(ctx, grad_output):
        x, b = ctx.saved_tensors
        return grad_output * b, (grad_output * x)[0]


@PRODUCT.fault("mean instead of sum", r"makes it right|divided|mean", "kind of differentiation#1")
class ProductMean(Product):
    @staticmethod
    def backward(ctx, grad_output):
        x, b = ctx.saved_tensors
        return grad_output * b, (grad_output * x).mean(0)


@PRODUCT.fault("the shape of the batch", r"shape|raised|not summed", "tt-metal#40008", "raises")
class ProductShape(Product):
    """Sums over the wrong dimension."""

    @staticmethod
    def backward(ctx, grad_output):
        x, b = ctx.saved_tensors
        return grad_output * b, (grad_output * x).sum(-1)


class Quotient(Function):
    """``y = a / b``."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a / b

    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        return grad_output / b, -grad_output * a / (b * b)


QUOTIENT = Subject("quotient", Quotient, lambda draw: (draw.table, draw.uniform(0.5, 2.0, draw.rows, draw.columns)))


@QUOTIENT.fault("sign", r"sign", "ChainRules#74")
class QuotientSign(Quotient):
    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        return grad_output / b, grad_output * a / (b * b)


@QUOTIENT.fault("an eps that forward has not", r"another eps|nearly|almost|makes it right", "thunder#1848")
class QuotientEps(Quotient):
    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        return grad_output / (b + 1e-3), -grad_output * a / (b * b)


@QUOTIENT.fault("adds what is in .grad", r"\.grad", "kind of differentiation#1", "accumulated")
class QuotientGrad(Quotient):
    """Adds the gradient that the input has already, as autograd will."""

    @staticmethod
    def backward(ctx, grad_output):
        a, _ = ctx.saved_tensors
        grad_a, grad_b = Quotient.backward(ctx, grad_output)
        return grad_a if a.grad is None else grad_a + a.grad, grad_b


@QUOTIENT.fault("tiny upstream gradients lost", r"tiny|linear", "kind of bfloat16 loss scaling", "tiny upstream")
class QuotientTiny(Quotient):
    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        g = torch.where(grad_output.abs() < 1e-5, 0.0, grad_output).to(a.dtype)
        return g / b, -g * a / (b * b)


@QUOTIENT.fault("huge upstream gradients clipped", r"huge|linear", "kind of a clipped gradient", "huge upstream")
class QuotientHuge(Quotient):
    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        g = grad_output.clamp(-1e3, 1e3)
        return g / b, -g * a / (b * b)


SUBJECTS = (MEAN, VARIANCE, NORM, PRODUCT, QUOTIENT)
