"""Loops of C over tensors that are read and written element by element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor

from corenet.training.engines.recording.op_log import memory

TYPES = {torch.float32: "float", torch.float64: "double", torch.bool: "_Bool", torch.int64: "int64_t"}
WORTH_SHARING = 2**15  # elements: calling a second thread costs as much as a few thousand
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Access:
    """How a loop over ``shape`` walks through a tensor: from where, and by which strides (0 repeats an element)."""

    memory: int
    offset: int
    strides: Shape
    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: Tensor, shape: Shape) -> Access:
        """Return how ``tensor``, broadcast to ``shape``, is walked through."""
        steps: list[int] = list(map(int, tensor.expand(shape).stride()))
        strides = tuple(0 if size == 1 else step for size, step in zip(shape, steps, strict=True))
        return cls(memory(tensor), int(tensor.storage_offset()), strides, tensor.dtype)

    def without(self, dim: int) -> Access:
        """Return the walk through the first elements along a dimension."""
        return replace(self, strides=without(self.strides, dim))


def without(values: Shape, dim: int) -> Shape:
    """Return all but one of ``values``."""
    return (*values[:dim], *values[dim + 1 :])


def merged(shape: Shape, accesses: Sequence[Access]) -> tuple[list[int], list[list[int]]]:
    """Return as few dimensions as will do, outermost first, and for each access its strides.

    >>> walk = Access.of(torch.empty(4, 3), (4, 3))
    >>> merged((4, 3), [walk]), merged((4, 3), [walk, Access.of(torch.empty(3), (4, 3))])
    (([12], [[1]]), ([4, 3], [[3, 1], [0, 1]]))
    """
    sizes: list[int] = []
    strides: list[tuple[int, ...]] = []
    for place, size in enumerate(shape):
        steps = tuple(access.strides[place] for access in accesses)
        if size == 1:
            continue
        if sizes and all(outer == size * inner for outer, inner in zip(strides[-1], steps, strict=True)):
            sizes[-1] *= size
            strides[-1] = steps
        else:
            sizes.append(size)
            strides.append(steps)
    return sizes, [[steps[place] for steps in strides] for place in range(len(accesses))]


def index(strides: Sequence[int]) -> str:
    """Return the place of an element in terms of the loops' counters ``i0``, ``i1``, …

    >>> index([25, 1]), index([])
    ('i0 * 25 + i1 * 1', '0')
    """
    return " + ".join(f"i{depth} * {stride}" for depth, stride in enumerate(strides) if stride) or "0"


def loops(sizes: Sequence[int], first: int = 0) -> str:
    """Return the heads of loops over dimensions of these sizes, the first of which has the counter ``i{first}``.

    >>> loops([4, 3], 1)
    'for (long i1 = 0; i1 < 4; i1++) for (long i2 = 0; i2 < 3; i2++) '
    """
    return "".join(f"for (long i{dim} = 0; i{dim} < {size}; i{dim}++) " for dim, size in enumerate(sizes, first))


def nest(sizes: Sequence[int], body: str) -> str:
    """Return loops around ``body``; no pass of the innermost needs what another one wrote."""
    if not sizes:
        return body
    outer = len(sizes) - 1
    return f"{loops(sizes[:outer])}\nINDEPENDENT\n{loops(sizes[outer:], outer)}{body}"


def shared(sizes: Sequence[int], loops: str) -> str:
    """Return ``loops``, shared out among threads if there is enough to do; no pass needs what another one wrote."""
    if prod(sizes) < WORTH_SHARING:
        return loops
    if len(sizes) == 1:
        return loops.replace("INDEPENDENT", '_Pragma("omp parallel for simd")')
    return f'\n_Pragma("omp parallel for")\n{loops}'
