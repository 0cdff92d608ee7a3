"""Sums, means, extremes and their like over some dimensions of a tensor."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from corenet.training.engines.cpu.kernel import Kernel
from corenet.training.engines.cpu.loop_nest import TYPES, Access, index, loops, merged, nest
from corenet.training.engines.recording.op_log import Operation

_WIDEST = 4096  # elements of a row kept aside while rows are added up
_LANES = 16
_FLOATS = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Rule:
    """What a reduction starts from, what it does with each element, and what it makes of ``n`` of them at the end."""

    start: str
    each: str
    finish: str = "s"


SUM = Rule("0", "{s} += {x}")
LARGEST = Rule("-INFINITY", "{s} = {x} > {s} || {x} != {x} ? {x} : {s}")
_SMALLEST = Rule("INFINITY", "{s} = {x} < {s} || {x} != {x} ? {x} : {s}")
_OF_FLOATS = {
    "sum": SUM,
    "mean": Rule("0", "{s} += {x}", "s / {n}"),
    "prod": Rule("1", "{s} *= {x}"),
    "linalg_vector_norm": Rule("0", "{s} += {x} * {x}", "sqrt(s)"),
    **dict.fromkeys(("amax", "max"), LARGEST),
    **dict.fromkeys(("amin", "min"), _SMALLEST),
}
_OF_INTEGERS = {  # of flags too
    "sum": SUM,
    **dict.fromkeys(("amax", "max"), Rule("INT64_MIN", "{s} = {x} > {s} ? {x} : {s}")),
    **dict.fromkeys(("amin", "min"), Rule("INT64_MAX", "{s} = {x} < {s} ? {x} : {s}")),
    "count_nonzero": Rule("0", "{s} += {x} != 0"),
}
_OF_FLAGS = {"any": Rule("0", "{s} = {s} || {x}"), "all": Rule("1", "{s} = {s} && {x}")}


def reduction(operation: Operation) -> Kernel | None:
    """Return ``operation`` in C, or None if it is no reduction that is known."""
    rule = _rule(operation)
    if rule is None or operation.arguments[0].numel() == 0:
        return None
    (input, *given), result = operation.arguments, operation.result
    reduced = dimensions(input, given[0] if given else None)
    kept = [dim for dim in range(input.dim()) if dim not in reduced]
    out = result.view([1 if dim in reduced else input.shape[dim] for dim in range(input.dim())])
    from_, to = (Access.of(each, tuple(input.shape)) for each in (input, out))
    order = [*kept, *reduced]
    permuted = [
        Access(each.memory, each.offset, tuple(each.strides[dim] for dim in order), each.dtype) for each in (from_, to)
    ]
    sizes, (read, write) = merged(tuple(input.shape[dim] for dim in order), permuted)
    outer = sum(1 for stride in write if stride)
    finish = rule.finish.format(n=input.numel() // result.numel())
    named = {"p": to, "q": from_}
    if (outer < len(sizes) and read[-1] == 1) or outer == 0:
        body = along(TYPES[to.dtype], TYPES[from_.dtype], sizes, read, outer, rule)
        return Kernel.of(named, nest(sizes[:outer], f"{{ {body} p[{index(write[:outer])}] = {finish}; }}"))
    if sizes[outer - 1] > _WIDEST:
        return None
    return Kernel.of(named, _across(TYPES[to.dtype], sizes, read, write, outer, rule, finish))


def _rule(operation: Operation) -> Rule | None:
    """Return what an operation does with each element, or None if it is no reduction of a dtype that is known."""
    result = operation.result
    if operation.writes or not isinstance(result, Tensor) or not operation.tensors():
        return None
    if operation.name == "linalg_vector_norm" and (len(operation.arguments) > 1 or operation.keywords):
        return None  # another norm, or of some dimensions
    read, made = operation.tensors()[0].dtype, result.dtype
    if read is made and read in _FLOATS:
        return _OF_FLOATS.get(operation.name)
    if made is torch.int64 and read in (torch.int64, torch.bool):
        return _OF_INTEGERS.get(operation.name)
    return _OF_FLAGS.get(operation.name) if made is torch.bool and read in TYPES else None


def dimensions(input: Tensor, given: object) -> list[int]:
    """Return the dimensions that are reduced, all if none is given."""
    dims = [given] if isinstance(given, int) else given
    chosen = dims if isinstance(dims, (list, tuple)) and dims else range(input.dim())
    return sorted(dim % input.dim() for dim in chosen) if input.dim() else []


def along(type: str, read_type: str, sizes: list[int], read: list[int], outer: int, rule: Rule) -> str:
    """Return the reduction ``s`` of what lies in a row of ``q``, in several partial results beside each other."""
    *slow, last = range(outer, len(sizes)) or [-1]
    if last < 0:  # a single element
        return f"{type} s = {rule.start}; " + rule.each.format(s="s", x=f"q[{index(read)}]") + ";"
    lanes = min(_LANES, sizes[last])
    whole = sizes[last] // lanes * lanes
    base = index([*read[:last]])
    element = f"x[(i + l) * {read[last]}]"
    rest = f"x[i * {read[last]}]"
    return (
        f"{type} t[{lanes}]; for (int l = 0; l < {lanes}; l++) t[l] = {rule.start};\n"
        f"{loops([sizes[dim] for dim in slow], outer)}{{ const {read_type} *x = q + {base};\n"
        f"for (long i = 0; i < {whole}; i += {lanes}) for (int l = 0; l < {lanes}; l++) "
        f"{rule.each.format(s='t[l]', x=element)};\n"
        f"for (long i = {whole}; i < {sizes[last]}; i++) {rule.each.format(s='t[0]', x=rest)}; }}\n"
        f"{type} s = t[0]; for (int l = 1; l < {lanes}; l++) {_joined(rule).format(s='s', x='t[l]')};"
    )


def _joined(rule: Rule) -> str:
    """Return what is done with two partial results."""
    return SUM.each if "+=" in rule.each else rule.each


def _across(type: str, sizes: list[int], read: list[int], write: list[int], outer: int, rule: Rule, finish: str) -> str:
    """Return the reduction over rows, with the results of a whole row side by side."""
    row = outer - 1
    loop = loops(sizes[row:outer], row)
    body = (
        f"{{ {type} t[{sizes[row]}]; {loop}t[i{row}] = {rule.start};\n"
        f"{loops(sizes[outer:], outer)}{loop}{rule.each.format(s=f't[i{row}]', x=f'q[{index(read)}]')};\n"
        f"{loop}{{ const {type} s = t[i{row}]; p[{index(write[:outer])}] = {finish}; }} }}"
    )
    return nest(sizes[:row], body)
