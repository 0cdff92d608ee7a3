"""Tensors put together, repeated or turned round: copies of each element, from one layout to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from corenet.training.engines.cpu.elementwise import Elementwise
from corenet.training.engines.cpu.loop_nest import TYPES, Access
from corenet.training.engines.cpu.op_table import literal
from corenet.training.engines.recording.op_log import Operation


def joined(operation: Operation) -> list[Elementwise] | None:
    """Return the copies that ``operation`` consists of, or None if it is no such one."""
    parts = _PARTS.get(operation.name)
    known = isinstance(operation.result, Tensor) and operation.result.dtype in TYPES
    if parts is None or not known or any(each.dtype not in TYPES for each in operation.tensors()):
        return None
    copies: list[Elementwise] = parts(operation.result, *operation.arguments)
    return copies


def copied(source: Tensor, to: Tensor) -> Elementwise:
    """Return the copy of one tensor into another of its shape."""
    shape = tuple(to.shape)
    return Elementwise(shape, Access.of(to, shape), (Access.of(source, shape),), f"({TYPES[to.dtype]}){{0}}")


def _cat(result: Tensor, tensors: Sequence[Tensor], dim: int = 0) -> list[Elementwise]:
    copies, start = [], 0
    for each in tensors:
        if each.dim() == result.dim():  # an empty row may be among tensors of any dimension
            copies.append(copied(each, result.narrow(dim, start, each.shape[dim])))
            start += each.shape[dim]
    return copies


def _stack(result: Tensor, tensors: Sequence[Tensor], dim: int = 0) -> list[Elementwise]:
    return [copied(each, result.select(dim, number)) for number, each in enumerate(tensors)]


def _repeat(result: Tensor, input: Tensor, times: Sequence[int]) -> list[Elementwise]:
    sizes = (1,) * (len(times) - input.dim()) + tuple(input.shape)
    pairs = [each for pair in zip(times, sizes, strict=True) for each in pair]
    own = input.view([each for size in sizes for each in (1, size)]) if input.is_contiguous() else None
    return [] if own is None else [copied(own.expand(pairs), result.view(pairs))]


def _flip(result: Tensor, input: Tensor, dims: Sequence[int]) -> list[Elementwise]:
    shape, access = tuple(input.shape), Access.of(input, tuple(input.shape))
    turned = {dim % max(1, input.dim()) for dim in dims}
    last = sum((shape[dim] - 1) * access.strides[dim] for dim in turned)
    strides = tuple(-stride if dim in turned else stride for dim, stride in enumerate(access.strides))
    read = Access(access.memory, access.offset + last, strides, access.dtype)
    return [Elementwise(shape, Access.of(result, shape), (read,), "{0}")]


def _padded(result: Tensor, input: Tensor, pads: Sequence[int], value: float = 0) -> list[Elementwise]:
    inner, shape = result, tuple(result.shape)
    for number, (before, after) in enumerate(zip(pads[::2], pads[1::2], strict=True)):
        dim = input.dim() - 1 - number
        if before < 0 or after < 0:
            return []
        inner = inner.narrow(dim, before, input.shape[dim])
    filled = Elementwise(shape, Access.of(result, shape), (), literal(value, TYPES[result.dtype]))
    return [filled, copied(input, inner)]


_PARTS: dict[str, Any] = {"cat": _cat, "stack": _stack, "repeat": _repeat, "flip": _flip, "constant_pad_nd": _padded}
