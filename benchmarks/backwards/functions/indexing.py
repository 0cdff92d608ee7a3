"""Rows that are picked, added and compared."""

from __future__ import annotations

import torch
from torch.autograd import Function

from benchmarks.backwards.subject import Subject


class Embedding(Function):
    """The rows of a table that indices pick."""

    @staticmethod
    def forward(ctx, table, rows):
        ctx.save_for_backward(rows)
        ctx.size = len(table)
        return table[rows]

    @staticmethod
    def backward(ctx, grad_output):
        (rows,) = ctx.saved_tensors
        grad = grad_output.new_zeros(ctx.size, grad_output.shape[-1])
        return grad.index_add(0, rows.flatten(), grad_output.flatten(0, -2)), None


def picked(draw):
    """Return a table, and indices of which some are the same."""
    rows = draw.integers(2 * draw.rows, 2, draw.rows)
    rows[1, 0] = rows[0, 0]
    return draw.normal(2 * draw.rows, draw.columns), rows


EMBEDDING = Subject("embedding", Embedding, picked)


@EMBEDDING.fault("repetitions lost", r"repetitions|more than once", "Paddle#17662")
class EmbeddingOnce(Embedding):
    @staticmethod
    def backward(ctx, grad_output):
        (rows,) = ctx.saved_tensors
        grad = grad_output.new_zeros(ctx.size, grad_output.shape[-1])
        grad[rows] += grad_output
        return grad, None


@EMBEDDING.fault("row 0 taken for padding", r"index 0|edges|zero|lost", "kind of TuckER#17")
class EmbeddingPadding(Embedding):
    @staticmethod
    def backward(ctx, grad_output):
        grad, _ = Embedding.backward(ctx, grad_output)
        grad[0] = 0
        return grad, None


@EMBEDDING.fault("not written where nothing is picked", r"never written", "FlagGems#1082", "unwritten")
class EmbeddingUnwritten(Embedding):
    @staticmethod
    def backward(ctx, grad_output):
        (rows,) = ctx.saved_tensors
        grad = torch.empty(ctx.size, grad_output.shape[-1], dtype=grad_output.dtype)
        grad[rows.flatten()] = 0
        return grad.index_add(0, rows.flatten(), grad_output.flatten(0, -2)), None


class Gather(Function):
    """The elements of each row that indices pick."""

    @staticmethod
    def forward(ctx, x, places):
        ctx.save_for_backward(places)
        ctx.shape = x.shape
        return x.gather(-1, places)

    @staticmethod
    def backward(ctx, grad_output):
        (places,) = ctx.saved_tensors
        return grad_output.new_zeros(ctx.shape).scatter_add(-1, places, grad_output), None


def places(draw):
    found = draw.integers(draw.columns, draw.rows, 4)
    found[:, 1] = found[:, 0]
    return draw.table, found


GATHER = Subject("gather", Gather, places)


@GATHER.fault("repetitions lost", r"repetitions|more than once|lost", "pytorch#1631")
class GatherOnce(Gather):
    @staticmethod
    def backward(ctx, grad_output):
        (places,) = ctx.saved_tensors
        return grad_output.new_zeros(ctx.shape).scatter(-1, places, grad_output), None


@GATHER.fault("gathers again", r"permuted|wrong|right|index", "AiDotNet.Tensors#894")
class GatherAgain(Gather):
    @staticmethod
    def backward(ctx, grad_output):
        (places,) = ctx.saved_tensors
        wide_enough = grad_output.repeat(1, ctx.shape[-1])
        return wide_enough.gather(-1, places.repeat(1, ctx.shape[-1])[:, : ctx.shape[-1]]), None


class ScatterAdd(Function):
    """Rows added to those of a table that indices pick."""

    @staticmethod
    def forward(ctx, table, rows, x):
        ctx.save_for_backward(rows)
        return table.index_add(0, rows, x)

    @staticmethod
    def backward(ctx, grad_output):
        (rows,) = ctx.saved_tensors
        return grad_output.clone(), None, grad_output[rows]


def added(draw):
    return draw.normal(5, draw.columns), draw.integers(5, draw.rows + 2), draw.normal(draw.rows + 2, draw.columns)


SCATTER_ADD = Subject("scatter add", ScatterAdd, added)


@SCATTER_ADD.fault("base forgotten where it is written", r"mask|lost|zero|must not be|index", "kind of pytorch#473")
class ScatterAddBase(ScatterAdd):
    @staticmethod
    def backward(ctx, grad_output):
        (rows,) = ctx.saved_tensors
        grad = grad_output.clone()
        grad[rows] = 0
        return grad, None, grad_output[rows]


@SCATTER_ADD.fault("rows shifted", r"shifted|permuted|wrong|makes it right", "kind of pytorch#194719")
class ScatterAddShifted(ScatterAdd):
    @staticmethod
    def backward(ctx, grad_output):
        (rows,) = ctx.saved_tensors
        return grad_output.clone(), None, grad_output[rows.roll(1)]


class RowMaximum(Function):
    """The largest element of each row."""

    @staticmethod
    def forward(ctx, x):
        y, place = x.max(-1)
        ctx.save_for_backward(x, y, place)
        return y

    @staticmethod
    def backward(ctx, grad_output):
        x, _, place = ctx.saved_tensors
        return torch.zeros_like(x).scatter(-1, place[..., None], grad_output[..., None])


ROW_MAXIMUM = Subject("row maximum", RowMaximum, lambda draw: (draw.table,))


@ROW_MAXIMUM.fault(
    "a loose comparison takes others for the maximum",
    r"mask|zero|right in all but|one side|makes it right",
    "framework#22",
)
class RowMaximumLoose(RowMaximum):
    @staticmethod
    def backward(ctx, grad_output):
        x, y, _ = ctx.saved_tensors
        return grad_output[..., None] * ((x - y[..., None]).abs() < 1)


@ROW_MAXIMUM.fault("place of another dimension", r"raised|dimension|permuted|wrong", "kind of aprender#2182")
class RowMaximumDimension(RowMaximum):
    @staticmethod
    def backward(ctx, grad_output):
        x, _, _ = ctx.saved_tensors
        return grad_output[..., None] * (x == x.max(0, keepdim=True).values)


SUBJECTS = (EMBEDDING, GATHER, SCATTER_ADD, ROW_MAXIMUM)
