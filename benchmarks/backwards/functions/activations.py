"""Smooth functions of each element."""

from __future__ import annotations

import math

import torch
from torch.autograd import Function
from torch.nn import functional

from benchmarks.backwards.functions.kernels import wide
from benchmarks.backwards.subject import Subject


class Gelu(Function):
    """``y = x/2 (1 + tanh u)`` with ``u = c (x + 0.044715 x³)``, ``c = √(2/π)``."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    @staticmethod
    def backward(ctx, grad_output):
        x = wide(ctx.saved_tensors[0])
        c = math.sqrt(2 / math.pi)
        t = torch.tanh(c * (x + 0.044715 * x**3))
        slope = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x**2)
        return (grad_output * slope).to(grad_output.dtype)


GELU = Subject("gelu", Gelu, lambda draw: (draw.table,))


@GELU.fault("wrong formula", r"makes it right", "kind of llm.c#307")
class GeluTanhSlope(Gelu):
    """Takes 1 − t for the derivative of tanh."""

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        c = math.sqrt(2 / math.pi)
        t = torch.tanh(c * (x + 0.044715 * x**3))
        return grad_output * (0.5 * (1 + t) + 0.5 * x * (1 - t) * c * (1 + 3 * 0.044715 * x**2))


@GELU.fault("factor of a power lost", r"makes it right", "kind of thinc#578")
class GeluPower(Gelu):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        c = math.sqrt(2 / math.pi)
        t = torch.tanh(c * (x + 0.044715 * x**3))
        return grad_output * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 0.044715 * x**2))


@GELU.fault("constant of few digits", r"rounded constant|of few digits|approximation", "kind of mlstm_kernels#16")
class GeluConstant(Gelu):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        c = 0.798
        t = torch.tanh(c * (x + 0.044715 * x**3))
        return grad_output * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x**2))


class Softplus(Function):
    """``y = log(1 + eˣ)``, ``x`` itself above 20."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return functional.softplus(x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)


SOFTPLUS = Subject("softplus", Softplus, lambda draw: (2 * draw.table,))


@SOFTPLUS.fault("sign of the argument", r"sign is wrong", "kind of ChainRules#74")
class SoftplusArgument(Softplus):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.sigmoid(-x)


@SOFTPLUS.fault("derivative at the output", r"evaluated at the output|at the output", "kind of mlpack#2158")
class SoftplusAtOutput(Softplus):
    @staticmethod
    def forward(ctx, x):
        y = functional.softplus(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)


@SOFTPLUS.fault("threshold of backward another", r"one side|makes it right|threshold", "kind of thinc#578")
class SoftplusThreshold(Softplus):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.where(x > 2, 1.0, torch.sigmoid(x))


class Mish(Function):
    """``y = x tanh(softplus x)``."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * torch.tanh(functional.softplus(x))

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        t = torch.tanh(functional.softplus(x))
        return grad_output * (t + x * torch.sigmoid(x) * (1 - t * t))


MISH = Subject("mish", Mish, lambda draw: (draw.table,))


@MISH.fault("wrong numerator", r"makes it right|missing", "thinc#578")
class MishNumerator(Mish):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        t = torch.tanh(functional.softplus(x))
        return grad_output * (t + torch.sigmoid(x) * (1 - t * t))


@MISH.fault("derivative at the output", r"makes it right|at the output", "mlpack#2158")
class MishTwice(Mish):
    """Takes tanh of the tanh."""

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        t = torch.tanh(functional.softplus(x))
        return grad_output * (t + x * torch.sigmoid(x) * (1 - torch.tanh(t) ** 2))


class Tanh(Function):
    """``y = tanh x``, whose derivative is ``1 − y²``."""

    @staticmethod
    def forward(ctx, x):
        y = torch.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return grad_output * (1 - y * y)


TANH = Subject("tanh", Tanh, lambda draw: (draw.table,))


@TANH.fault("input saved for the output", r"save the output", "kind of Liger-Kernel#254")
class TanhInput(Tanh):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.tanh(x)


@TANH.fault("square lost", r"square|makes it right", "kind of mlpack#2158")
class TanhSquare(Tanh):
    @staticmethod
    def backward(ctx, grad_output):
        (y,) = ctx.saved_tensors
        return grad_output * (1 - y)


@TANH.fault("output kept as an attribute", r"save_for_backward", "kind of Liger-Kernel#254", "output changed")
class TanhAttribute(Tanh):
    @staticmethod
    def forward(ctx, x):
        ctx.y = torch.tanh(x)
        return ctx.y

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * (1 - ctx.y * ctx.y)


SUBJECTS = (GELU, SOFTPLUS, MISH, TANH)
