"""Kernels that work on each element by itself: neighbours that share their loop share it in C too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from corenet.training.engines.native.expressions import COMPARISONS, expression, literal, operands
from corenet.training.engines.native.nest import TYPES, Access, Shape, index, merged, nest, shared
from corenet.training.engines.tape import Operation

_COPIES = ("clone", "copy_", "_to_copy", "fill_", "full", "full_like", "scalar_tensor")
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
        template = expression(operation)
        result = operation.result
        if template is None or not isinstance(result, Tensor) or result.dtype not in TYPES:
            return None
        if any(tensor.dtype not in TYPES for tensor in operation.tensors()):
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
        is_known = dtype in _FLOATS and not any(_is_wider(each, operation) for each in operation.tensors())
        return dtype if is_known else None
    if dtype is not torch.bool:
        return None
    if plain.startswith("logical"):
        return torch.bool if all(each.dtype is torch.bool for each in operation.tensors()) else None
    kind = torch.result_type(*operation.arguments)
    return kind if kind in _FLOATS else None


def _is_wider(tensor: Tensor, operation: Operation) -> bool:
    """Tell whether a kernel computes more exactly than it stores its result, for a tensor's sake."""
    if tensor.dim() == 0 and not operation.writes:
        return False
    return torch.result_type(tensor, operation.result) is not operation.result.dtype


class Group:
    """Kernels in one loop: what one computes, the next one finds at hand."""

    def __init__(self, first: Elementwise) -> None:
        self.kernels = [first]

    def add(self, kernel: Elementwise) -> bool:
        """Take in another kernel, or tell that it cannot share the loop.

        It can where it walks alike, and touches what the others touched element by element as they did.
        """
        written = {each.result.memory: each.result for each in self.kernels}
        touched = [access for each in self.kernels for access in (each.result, *each.reads)]
        if kernel.shape != self.kernels[0].shape:
            return False
        if any(read.memory in written and read != written[read.memory] for read in kernel.reads):
            return False
        if any(access.memory == kernel.result.memory and access != kernel.result for access in touched):
            return False
        self.kernels.append(kernel)
        return True

    def source(self, place: dict[int, int], wanted: set[int]) -> str:
        """Return the loop in C; of what it computes only the memories ``wanted`` are written."""
        accesses: list[Access] = []
        for kernel in self.kernels:
            accesses += [each for each in (*kernel.reads, kernel.result) if each not in accesses]
        sizes, strides = merged(self.kernels[0].shape, accesses)
        address = {each: f"p{number}[{index(strides[number])}]" for number, each in enumerate(accesses)}
        known: dict[Access, str] = {}
        lines: list[str] = []
        for number, kernel in enumerate(self.kernels):
            values = [known.get(read, address[read]) for read in kernel.reads]
            type = TYPES[kernel.result.dtype]
            lines.append(f"const {type} v{number} = {kernel.expression.format(*values)};")
            known[kernel.result] = f"v{number}"
        lines += [f"{address[each]} = {value};" for each, value in known.items() if each.memory in wanted]
        used = "\n".join(lines)
        heads = [
            f"{TYPES[each.dtype]} *p{number} = ({TYPES[each.dtype]} *)m[{place[each.memory]}] + {each.offset};"
            for number, each in enumerate(accesses)
            if f"p{number}[" in used
        ]
        return "{ " + " ".join(heads) + "\n" + shared(sizes, nest(sizes, "{ " + used + " }")) + " }"


def grouped(kernels: Sequence[Elementwise]) -> list[Group]:
    """Return ``kernels`` in their order, in as few groups as their order gives."""
    groups: list[Group] = []
    for kernel in kernels:
        if not groups or not groups[-1].add(kernel):
            groups.append(Group(kernel))
    return groups
