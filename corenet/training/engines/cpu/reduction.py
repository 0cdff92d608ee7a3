"""Sums, means, norms and extremes over some dimensions of a tensor."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.training.engines.cpu.loop_nest import TYPES, Access, index, merged, nest
from corenet.training.engines.recording.op_log import Operation

_WIDEST = 4096  # elements of a row kept aside while rows are added up
_LANES = 16
_RULES = {  # what it starts from, and what it does with each element
    "sum": ("0", "{s} += {x}"),
    "mean": ("0", "{s} += {x}"),
    "linalg_vector_norm": ("0", "{s} += {x} * {x}"),
    "amax": ("-INFINITY", "{s} = {x} > {s} || {x} != {x} ? {x} : {s}"),
    "amin": ("INFINITY", "{s} = {x} < {s} || {x} != {x} ? {x} : {s}"),
}


def reduction(operation: Operation, place: dict[int, int]) -> str | None:
    """Return ``operation`` in C, or None if it is no reduction that is known."""
    if operation.name not in _RULES or operation.writes:
        return None
    (input, *rest), result = operation.arguments, operation.result
    is_norm = operation.name == "linalg_vector_norm"
    if is_norm and (rest or operation.keywords):
        return None  # another norm, or of some dimensions
    dtype = result.dtype
    if dtype not in (torch.float32, torch.float64) or input.dtype is not dtype or input.numel() == 0:
        return None
    reduced = _dimensions(input, rest[0] if rest else None)
    kept = [dim for dim in range(input.dim()) if dim not in reduced]
    out = result.view([1 if dim in reduced else input.shape[dim] for dim in range(input.dim())])
    from_, to = (Access.of(each, tuple(input.shape)) for each in (input, out))
    order = [*kept, *reduced]
    permuted = [
        Access(each.memory, each.offset, tuple(each.strides[dim] for dim in order), each.dtype) for each in (from_, to)
    ]
    sizes, (read, write) = merged(tuple(input.shape[dim] for dim in order), permuted)
    outer = sum(1 for stride in write if stride)
    start, rule = _RULES[operation.name]
    type = TYPES[dtype]
    root = "sqrtf(s)" if dtype is torch.float32 else "sqrt(s)"
    finish = f"s / {input.numel() // result.numel()}" if operation.name == "mean" else root if is_norm else "s"
    head = (
        f"{type} *p = ({type} *)m[{place[to.memory]}] + {to.offset};"
        f" const {type} *q = ({type} *)m[{place[from_.memory]}] + {from_.offset};\n"
    )
    if (outer < len(sizes) and read[-1] == 1) or outer == 0:
        body = _along(type, sizes, read, outer, start, rule) + f" p[{index(write[:outer])}] = {finish};"
        return f"{{ {head}{nest(sizes[:outer], '{ ' + body + ' }')} }}"
    if sizes[outer - 1] > _WIDEST:
        return None
    return f"{{ {head}{_across(type, sizes, read, write, outer, start, rule, finish)} }}"


def _dimensions(input: Tensor, given: object) -> list[int]:
    """Return the dimensions that are reduced, all if none is given."""
    dims = [given] if isinstance(given, int) else given
    chosen = dims if isinstance(dims, (list, tuple)) and dims else range(input.dim())
    return sorted(dim % input.dim() for dim in chosen) if input.dim() else []


def _along(type: str, sizes: list[int], read: list[int], outer: int, start: str, rule: str) -> str:
    """Return the reduction of what lies in a row, in several partial results beside each other."""
    *slow, last = range(outer, len(sizes)) or [-1]
    if last < 0:  # a single element
        return f"{type} s = {start}; " + rule.format(s="s", x=f"q[{index(read)}]") + ";"
    lanes = min(_LANES, sizes[last])
    whole = sizes[last] // lanes * lanes
    base = index([*read[:last]])
    loops = "".join(f"for (long i{dim} = 0; i{dim} < {sizes[dim]}; i{dim}++) " for dim in slow)
    element = f"x[(i + l) * {read[last]}]"
    rest = f"x[i * {read[last]}]"
    return (
        f"{type} t[{lanes}]; for (int l = 0; l < {lanes}; l++) t[l] = {start};\n"
        f"{loops}{{ const {type} *x = q + {base};\n"
        f"for (long i = 0; i < {whole}; i += {lanes}) for (int l = 0; l < {lanes}; l++) "
        f"{rule.format(s='t[l]', x=element)};\n"
        f"for (long i = {whole}; i < {sizes[last]}; i++) {rule.format(s='t[0]', x=rest)}; }}\n"
        f"{type} s = {start}; for (int l = 0; l < {lanes}; l++) {rule.format(s='s', x='t[l]')};"
    )


def _across(
    type: str, sizes: list[int], read: list[int], write: list[int], outer: int, start: str, rule: str, finish: str
) -> str:
    """Return the reduction over rows, with the results of a whole row side by side."""
    row = outer - 1
    loop = f"for (long i{row} = 0; i{row} < {sizes[row]}; i{row}++) "
    slow = "".join(f"for (long i{dim} = 0; i{dim} < {sizes[dim]}; i{dim}++) " for dim in range(outer, len(sizes)))
    body = (
        f"{{ {type} t[{sizes[row]}]; {loop}t[i{row}] = {start};\n"
        f"{slow}{loop}{rule.format(s=f't[i{row}]', x=f'q[{index(read)}]')};\n"
        f"{loop}{{ const {type} s = t[i{row}]; p[{index(write[:outer])}] = {finish}; }} }}"
    )
    return nest(sizes[:row], body)
