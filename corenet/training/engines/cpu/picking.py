"""Elements picked out or added to by indices, such as rows of a table of embeddings.

An index that is out of range picks nothing and is told: what has been computed by then counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from corenet.training.engines.cpu.elementwise import Elementwise
from corenet.training.engines.cpu.joining import copied
from corenet.training.engines.cpu.kernel import Kernel
from corenet.training.engines.cpu.loop_nest import TYPES, Access, Shape, index, loops, merged
from corenet.training.engines.cpu.op_table import literal
from corenet.training.engines.recording.op_log import Operation, memory

_ADDED = "{own} += {other};"
_PUT = "{own} = {other};"


@dataclass(frozen=True)
class Places:
    """Which elements of ``own`` a loop comes by: its dimensions by their number, or by indices."""

    own: Tensor
    shape: Shape  # of the loop
    dims: tuple[int | None, ...]  # of ``own``, that each dimension of the loop walks along
    indices: dict[int, Tensor]  # for the other dimensions of ``own``, each in the shape of the loop
    wraps: bool = False  # whether an index below zero counts from the end

    def kernel(self, other: Tensor | str, statement: str) -> Kernel:
        """Return the loop that does ``statement`` with each of them and with what lies in its place in ``other``."""
        strides = tuple(0 if dim is None else self.own.stride(dim) for dim in self.dims)
        named = {"own": Access(memory(self.own), int(self.own.storage_offset()), strides, self.own.dtype)}
        if isinstance(other, Tensor):
            named["other"] = Access.of(other, self.shape)
        named |= {f"n{dim}": Access.of(each, self.shape) for dim, each in self.indices.items()}
        sizes, walks = merged(self.shape, list(named.values()))
        walk = dict(zip(named, walks, strict=True))
        picking = max(
            (depth + 1 for dim in self.indices for depth, step in enumerate(walk[f"n{dim}"]) if step), default=0
        )
        value = f"other[{index(walk['other'])}]" if isinstance(other, Tensor) else other
        done = statement.format(own=f"own[o + {index(walk['own'])}]", other=value)
        found = " ".join(self._found(dim, index(walk[f"n{dim}"])) for dim in self.indices)
        return Kernel.of(
            named,
            f"{loops(sizes[:picking])}{{ long o = 0; int bad = 0;\n{found}\n"
            f"if (bad) out_of_range = 1; else {loops(sizes[picking:], picking)}{{ {done} }} }}",
        )

    def _found(self, dim: int, place: str) -> str:
        """Return what adds the place that an index stands for to ``o``."""
        size = self.own.shape[dim]
        wrapped = f"if (j < 0) j += {size}; " if self.wraps else ""
        test = f"if (j < 0 || j >= {size}) bad = 1; else o += j * {self.own.stride(dim)};"
        return f"{{ int64_t j = n{dim}[{place}]; {wrapped}{test} }}"


def picked(operation: Operation) -> Sequence[Elementwise | Kernel] | None:
    """Return ``operation`` in C, or None if it picks nothing, or in a way that is not known."""
    result, (own, *arguments) = operation.result, operation.arguments or (None,)
    if operation.name in _READ:
        places = _READ[operation.name](own, *arguments)
        return [places.kernel(result, "{other} = {own};")] if _is_known(places, result) else None
    written = _WRITTEN.get(operation.name.removesuffix("_"))
    if written is None or operation.keywords.keys() - {"alpha"}:
        return None
    places, value, statement = written(result, *arguments, **operation.keywords)
    if not _is_known(places, value) or (statement is not _PUT and result.dtype is torch.bool):
        return None
    copy = [] if operation.writes else [copied(own, result)]
    given = value if isinstance(value, Tensor) else literal(value, TYPES[result.dtype])
    return [*copy, places.kernel(given, statement)]


def _is_known(places: Places, other: Tensor | float) -> bool:
    """Tell whether indices are whole numbers, and elements go where they are of the same kind and nobody reads."""
    others = [*places.indices.values(), *([other] if isinstance(other, Tensor) else [])]
    return (
        all(each.dtype is torch.int64 for each in places.indices.values())
        and places.own.dtype in TYPES
        and (not isinstance(other, Tensor) or other.dtype is places.own.dtype)
        and memory(places.own) not in map(memory, others)
    )


def _along(own: Tensor, dim: int, index: Tensor) -> Places:
    """Return the places for a single row of indices along a dimension."""
    dim = dim % max(1, own.dim())
    shape = (*own.shape[:dim], index.numel(), *own.shape[dim + 1 :])
    dims = tuple(None if each == dim else each for each in range(len(shape)))
    row = index.view(-1, *(1 for _ in shape[dim + 1 :]))
    return Places(own, shape, dims, {dim: row})


def _beside(own: Tensor, dim: int, index: Tensor) -> Places:
    """Return the places for an index for each element, which stands for a dimension."""
    dim = dim % max(1, own.dim())
    dims = tuple(None if each == dim else each for each in range(index.dim()))
    return Places(own, tuple(index.shape), dims, {dim: index})


def _at(own: Tensor, indices: Sequence[Tensor | None], wraps: bool = True) -> Places:
    """Return the places for ``own[indices]``: where indices stand side by side, their shape stands there too."""
    given = {dim: each for dim, each in enumerate(indices) if each is not None}
    first, last = min(given), max(given)
    kept = [dim for dim in range(own.dim()) if dim not in given]
    before = first if len(given) == last - first + 1 else 0
    block = torch.broadcast_tensors(*given.values())[0].shape  # its sister broadcast_shapes imports sympy
    shape = (*(own.shape[dim] for dim in kept[:before]), *block, *(own.shape[dim] for dim in kept[before:]))
    dims = (*kept[:before], *(None for _ in block), *kept[before:])
    after = (1,) * len(kept[before:])
    placed = {dim: each.expand(block)[(..., *(None for _ in after))] for dim, each in given.items()}
    return Places(own, shape, dims, placed, wraps)


Written = tuple[Places, Tensor | float, str]


def _scatter(own: Tensor, dim: int, index: Tensor, value: Tensor | float) -> Written:
    return _beside(own, dim, index), _corner(value, index), _PUT


def _scatter_add(own: Tensor, dim: int, index: Tensor, source: Tensor) -> Written:
    return _beside(own, dim, index), _corner(source, index), _ADDED


def _corner(value: Tensor | float, index: Tensor) -> Tensor | float:
    """Return the part of a source that has an index."""
    if not isinstance(value, Tensor) or value.dim() == 0:
        return value
    return value[tuple(slice(size) for size in index.shape)]


def _index_add(own: Tensor, dim: int, index: Tensor, source: Tensor, alpha: float = 1) -> Written:
    factor = "" if alpha == 1 else f"{literal(alpha, TYPES.get(own.dtype, 'double'))} * "
    return _along(own, dim, index), source, f"{{own}} += {factor}{{other}};"


def _index_copy(own: Tensor, dim: int, index: Tensor, source: Tensor | float) -> Written:
    return _along(own, dim, index), source, _PUT


def _index_put(own: Tensor, indices: Sequence[Tensor], values: Tensor, add: bool = False, *_: object) -> Written:
    return _at(own, indices), values, _ADDED if add else _PUT


_READ: dict[str, Callable[..., Places]] = {
    "gather": lambda own, dim, index, *_: _beside(own, dim, index),
    "index_select": _along,
    "embedding": lambda weight, index, *_: _at(weight, [index], wraps=False),
    "index": _at,
}
_WRITTEN: dict[str, Callable[..., Written]] = {
    "scatter": _scatter,
    "scatter_add": _scatter_add,
    "index_add": _index_add,
    "index_copy": _index_copy,
    "index_fill": _index_copy,
    "index_put": _index_put,
    "_index_put_impl": _index_put,
    "_unsafe_index_put": _index_put,
}
