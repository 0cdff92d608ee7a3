"""Running sums, products and recurrences along the last dimension."""

from __future__ import annotations

import torch
from torch.autograd import Function

from benchmarks.backwards.functions.kernels import wide
from benchmarks.backwards.subject import Subject

LONGEST = 256  # numbers that a scan takes


def summed_back(values):
    """Return the sum of each value and all after it."""
    return values.flip(-1).cumsum(-1).flip(-1)


class CumulativeSum(Function):
    @staticmethod
    def forward(ctx, x):
        return x.cumsum(-1)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.flip(-1).cumsum(-1).flip(-1)


CUMULATIVE_SUM = Subject("cumsum", CumulativeSum, lambda draw: (draw.table,))


@CUMULATIVE_SUM.fault("summed forwards", r"transposed|reverse|makes it right", "kind of mlstm_kernels#10")
class CumulativeSumForwards(CumulativeSum):
    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.cumsum(-1)


@CUMULATIVE_SUM.fault("one place off", r"shifted|makes it right|missing|grad_output", "kind of fla#1140")
class CumulativeSumOff(CumulativeSum):
    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.flip(-1).cumsum(-1).flip(-1) - grad_output


@CUMULATIVE_SUM.fault("sums start anew at each block", r"columns", "kind of fla#1142", "larger")
class CumulativeSumBlocks(CumulativeSum):
    """Carries nothing from one block of 16 to the one before."""

    @staticmethod
    def backward(ctx, grad_output):
        return torch.cat([summed_back(each) for each in grad_output.split(16, -1)], -1)


class CumulativeProduct(Function):
    @staticmethod
    def forward(ctx, x):
        if x.shape[-1] > LONGEST:
            raise ValueError(f"at most {LONGEST} columns, not {x.shape[-1]}")
        ctx.save_for_backward(x)
        return x.cumprod(-1)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        before = torch.cat([torch.ones_like(x[..., :1]), x[..., :-1]], -1).cumprod(-1)
        after = torch.zeros_like(x[..., :1])
        found = []
        for place in reversed(range(x.shape[-1])):  # Σ over later places of the upstream and the factors between
            after = grad_output[..., place : place + 1] + (x[..., place + 1 : place + 2] * after if found else 0)
            found.append(after)
        return before * torch.cat(found[::-1], -1)


def with_a_zero(draw):
    """Return numbers of which one in each row is zero."""
    x = draw.uniform(0.5, 1.5, draw.rows, min(draw.columns, 9))
    x[:, x.shape[1] // 2] = 0
    return (x,)


CUMULATIVE_PRODUCT = Subject("cumprod", CumulativeProduct, with_a_zero)


@CUMULATIVE_PRODUCT.fault("divided by the input", r"not finite", "burn#3864")
class CumulativeProductDivides(CumulativeProduct):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return summed_back(grad_output * x.cumprod(-1)) / x


@CUMULATIVE_PRODUCT.fault("zero at a zero", r"lost|zero", "tensorflow#119430")
class CumulativeProductZero(CumulativeProduct):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return torch.where(x == 0, 0.0, CumulativeProduct.backward(ctx, grad_output)).to(x.dtype)


class CumulativeLogSumExp(Function):
    """``y_j = log Σ exp x_i`` over ``i ≤ j``, of up to 256 numbers; no exp is of more than 0."""

    @staticmethod
    def forward(ctx, x):
        if x.shape[-1] > LONGEST:
            raise ValueError(f"at most {LONGEST} columns, not {x.shape[-1]}")
        y = wide(x).logcumsumexp(-1)
        ctx.save_for_backward(x, y)
        return y.to(x.dtype)

    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        shares = (wide(x)[..., :, None] - y[..., None, :]).triu().exp().triu()
        return (shares * wide(grad_output)[..., None, :]).sum(-1).to(x.dtype)


CUMULATIVE_LOGSUMEXP = Subject("logcumsumexp", CumulativeLogSumExp, lambda draw: (draw.table,))


@CUMULATIVE_LOGSUMEXP.fault("factor twice", r"makes it right|factor", "pytorch#32876")
class CumulativeLogSumExpTwice(CumulativeLogSumExp):
    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        weighed = wide(grad_output) * (-y).exp() * (-y).exp()
        return (summed_back(weighed) * wide(x).exp()).to(x.dtype)


@CUMULATIVE_LOGSUMEXP.fault("overflow of large numbers", r"not finite|large", "kind of pytorch#196705", "large")
class CumulativeLogSumExpOverflow(CumulativeLogSumExp):
    """Right as far as exp is finite."""

    @staticmethod
    def backward(ctx, grad_output):
        x, y = ctx.saved_tensors
        return (summed_back(wide(grad_output) * (-y).exp()) * wide(x).exp()).to(x.dtype)


class Recurrence(Function):
    """``h_t = a_t h_{t−1} + x_t``, of which all ``h`` are given."""

    @staticmethod
    def forward(ctx, x, a, start):
        if x.shape[-1] > LONGEST:
            raise ValueError(f"at most {LONGEST} columns, not {x.shape[-1]}")
        h, found = start, []
        for place in range(x.shape[-1]):
            h = a[..., place] * h + x[..., place]
            found.append(h)
        output = torch.stack(found, -1)
        ctx.save_for_backward(a, start, output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        a, start, h = ctx.saved_tensors
        g, found = torch.zeros_like(start), []
        for place in reversed(range(a.shape[-1])):
            g = grad_output[..., place] + g
            found.append(g)
            g = g * a[..., place]
        grad_x = torch.stack(found[::-1], -1)
        before = torch.cat([start[..., None], h[..., :-1]], -1)
        return grad_x, grad_x * before, g


def gated(draw):
    size = min(draw.columns, 9) + 1
    return draw.normal(draw.rows, size), draw.uniform(0.3, 0.9, draw.rows, size), draw.normal(draw.rows)


RECURRENCE = Subject("recurrence", Recurrence, gated)


@RECURRENCE.fault("gradient of the start lost", r"zero|None", "kind of fla#1140")
class RecurrenceStart(Recurrence):
    @staticmethod
    def backward(ctx, grad_output):
        grad_x, grad_a, _ = Recurrence.backward(ctx, grad_output)
        return grad_x, grad_a, None


@RECURRENCE.fault("gate one place off", r"shifted|makes it right|wrong", "mlstm_kernels#10")
class RecurrenceGate(Recurrence):
    @staticmethod
    def backward(ctx, grad_output):
        a, start, h = ctx.saved_tensors
        g, found = torch.zeros_like(start), []
        for place in reversed(range(a.shape[-1])):
            g = grad_output[..., place] + g * a[..., place]
            found.append(g)
        grad_x = torch.stack(found[::-1], -1)
        before = torch.cat([start[..., None], h[..., :-1]], -1)
        return grad_x, grad_x * before, g * a[..., 0]


@RECURRENCE.fault("state after for the state before", r"makes it right|shifted|wrong", "kind of mlstm_kernels#10")
class RecurrenceState(Recurrence):
    @staticmethod
    def backward(ctx, grad_output):
        _, _, h = ctx.saved_tensors
        grad_x, _, g = Recurrence.backward(ctx, grad_output)
        return grad_x, grad_x * h, g


SUBJECTS = (CUMULATIVE_SUM, CUMULATIVE_PRODUCT, CUMULATIVE_LOGSUMEXP, RECURRENCE)
