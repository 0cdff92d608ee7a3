"""A kernel that computes each element by itself: its result, its operands, and the expression in C."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from corenet.training.engines.cpu.loop_nest import TYPES, Access, Shape
from corenet.training.engines.cpu.op_table import CLAMPS, COMPARISONS, OF_INTEGERS, expression, literal, operands
from corenet.training.engines.recording.op_log import Operation

_COPIES = ("clone", "copy_", "_to_copy", "fill_", "full", "full_like", "scalar_tensor", "where")
_FLOATS = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Elementwise:
    """One kernel: its result, the tensors it reads, and the expression, with a place for each of them."""

    shape: Shape
    result: Access
    reads: tuple[Access, ...]
    expression: str

    @classmethod
    def of(cls, operation: Operation) -> Elementwise | None:
        """Return ``operation`` in this form, or None if it has none."""
        result = operation.result
        if not isinstance(result, Tensor) or result.dtype not in TYPES:
            return None
        template = expression(operation)
        if template is None or any(tensor.dtype not in TYPES for tensor in operation.tensors()):
            return None
        computed = _computed_in(operation)
        if computed is None:
            return None
        type, shape = TYPES[computed], tuple(result.shape)
        names = {"f": "f" if computed is torch.float32 else ""}
        reads: list[Access] = []
        for name, value in operands(operation).items():
            if not isinstance(value, Tensor):
                names[name] = literal(value, type)
            elif f"{{{name}}}" in template:
                names[name] = f"({type}){{{len(reads)}}}"
                reads.append(Access.of(value, shape))
        to = Access.of(result, shape)
        if any(read.memory == to.memory and read != to for read in reads):
            return None  # what one element writes, another may read
        return cls(shape, to, tuple(reads), template.format(**names))


def _computed_in(operation: Operation) -> torch.dtype | None:
    """Return the dtype in which an operation computes, or None if C would do it otherwise."""
    plain = operation.name.removesuffix("_")
    dtype: torch.dtype = operation.result.dtype
    if operation.name in _COPIES:
        return dtype
    if plain not in COMPARISONS:
        if dtype is torch.int64:
            return dtype if plain in (*OF_INTEGERS, *CLAMPS) else None
        is_known = dtype in _FLOATS and not any(_is_wider(each, operation) for each in operation.tensors())
        return dtype if is_known else None
    if dtype is not torch.bool:
        return None
    if plain.startswith(("logical", "bitwise")):
        return torch.bool if all(each.dtype is torch.bool for each in operation.tensors()) else None
    kind = torch.result_type(operation.arguments[0], operation.arguments[-1])
    return kind if kind in TYPES else None


def _is_wider(tensor: Tensor, operation: Operation) -> bool:
    """Tell whether a kernel computes more exactly than it stores its result, for a tensor's sake."""
    if tensor.dim() == 0 and not operation.writes:
        return False
    return torch.result_type(tensor, operation.result) is not operation.result.dtype
