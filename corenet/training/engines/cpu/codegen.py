"""A log of operations as a few calls: neighbouring kernels that are known become one function of C, others stay."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, pairwise
from math import inf
from typing import Any

import torch
from torch import Tensor

from corenet.training.engines.cpu import cc
from corenet.training.engines.cpu.distinct import MOST, Distinct
from corenet.training.engines.cpu.elementwise import Elementwise
from corenet.training.engines.cpu.extremes import extreme
from corenet.training.engines.cpu.fuse import grouped
from corenet.training.engines.cpu.joining import joined
from corenet.training.engines.cpu.kernel import Kernel
from corenet.training.engines.cpu.matmul import product
from corenet.training.engines.cpu.picking import picked
from corenet.training.engines.cpu.reduction import reduction
from corenet.training.engines.cpu.rows import row_by_row
from corenet.training.engines.recording.lowering import Call, call, needed
from corenet.training.engines.recording.op_log import Operation, memory
from corenet.training.engines.unsupported import CannotCompile

Storage = torch.UntypedStorage
Piece = Elementwise | Kernel


class _Places(dict[int, int]):
    """The number of each memory, in the order of asking."""

    def __missing__(self, memory: int) -> int:
        self[memory] = len(self)
        return self[memory]


class Function:
    """A function of C with the memories that it works on, which it keeps alive."""

    def __init__(self, function: Any, storages: Sequence[Storage]) -> None:
        self.function, self.storages = function, storages
        self.addresses = (ctypes.c_void_p * len(storages))(*(storage.data_ptr() for storage in storages))

    def __call__(self) -> None:
        """Do what it does.

        Raises:
            IndexError: it met an index that is out of range, and did nothing with it.
        """
        if self.function(self.addresses):
            raise IndexError("an index is out of range")

    def place(self, tensor: Tensor) -> int | None:
        """Return which of the memories is that of ``tensor``, or None if it is not among them."""
        addresses = [storage.data_ptr() for storage in self.storages]
        return addresses.index(memory(tensor)) if memory(tensor) in addresses else None

    def rebound(self, other: Callable[[Storage], Storage]) -> Function:
        """Return the function over other memories: ``other`` gives the one in the place of each of its own."""
        return Function(self.function, list(map(other, self.storages)))


class Draw:
    """Random numbers, drawn by torch into a tensor that is filled by nothing else."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.tensor: Tensor = operation.result
        self._call = call(operation)

    def __call__(self) -> None:
        self._call()


def compile_calls(
    operations: Sequence[Operation],
    gradients: Sequence[Tensor],
    kept: Sequence[Tensor] = (),
    library: Callable[[str], Any] = cc.library,
) -> list[Call]:
    """Return what :func:`~corenet.training.engines.recording.lowering.lower` does, in C where it is known how.

    What is drawn at random is drawn first, in its order, so that it does not part what could be one function.

    Raises:
        CannotCompile: there is no C compiler, it refused, or the tensors are not the processor's.
    """
    draws, operations = split_draws(needed(operations, gradients, kept))
    if len(operations) > MOST:
        raise CannotCompile(f"the step has {len(operations)} kernels; at most {MOST} are compiled")
    touched = [tensor for each in operations for tensor in (*each.tensors(), *each.results())]
    if not all(tensor.is_cpu for tensor in touched):
        raise CannotCompile("the tensors are on another device", "take engine='graph' on a CUDA device")
    pieces = [_pieces(each) for each in operations]
    runs = [
        (is_known, list(numbers))
        for is_known, numbers in groupby(range(len(pieces)), lambda number: pieces[number] is not None)
    ]
    if not any(is_known for is_known, _ in runs):
        first = f" ({operations[0].name})" if operations else ""
        raise CannotCompile(f"no kernel of the step is known in C{first}")
    last = _last_uses(operations, [*kept, *gradients])
    places = _Places()
    distinct = Distinct(places)
    for is_known, numbers in runs:
        if is_known:
            distinct.add(f"run{numbers[0]}", _kernels(pieces, numbers, last))
    found = {memory(tensor): tensor for tensor in touched}
    if _overlap(found.values()):
        raise CannotCompile("tensors share memory that torch takes for different ones", "give each its own")
    storages = [found[each].untyped_storage() for each in places]
    built = library(distinct.source())
    calls: list[Call] = [Draw(each) for each in draws]
    for is_known, numbers in runs:
        own = [Function(built[f"run{numbers[0]}"], storages)] if is_known else [call(operations[n]) for n in numbers]
        calls += own
    return calls


def split_draws(operations: Sequence[Operation]) -> tuple[list[Operation], list[Operation]]:
    """Return the operations that fill a fresh tensor at random, up to the first that draws otherwise, and the rest."""
    draws: list[Operation] = []
    others: list[Operation] = []
    seen: set[int] = set()
    in_order = True
    for each in operations:
        is_random = torch.Tag.nondeterministic_seeded in each.function.tags
        in_order &= not is_random or (each.draws and memory(each.result) not in seen)
        seen.update(map(memory, [*each.tensors(), *each.results()]))
        (draws if is_random and in_order else others).append(each)
    return draws, others


def _overlap(tensors: Iterable[Tensor]) -> bool:
    """Tell whether memories that pass for different ones have a part in common, such as slices of one numpy array."""
    storages = sorted(
        (storage.data_ptr(), storage.nbytes()) for storage in (each.untyped_storage() for each in tensors)
    )
    return any(start + size > following for (start, size), (following, _) in pairwise(storages))


def _pieces(operation: Operation) -> Sequence[Piece] | None:
    """Return an operation in C, or None if it is not known, or a tensor is another's memory seen with a minus sign."""
    if any(tensor.is_neg() for tensor in operation.tensors()):
        return None
    found = Elementwise.of(operation) or product(operation) or reduction(operation)
    found = found or row_by_row(operation) or extreme(operation)
    return joined(operation) or picked(operation) if found is None else [found]


def _kernels(pieces: Sequence[Sequence[Piece] | None], numbers: Sequence[int], last: dict[int, float]) -> list[Kernel]:
    """Return kernels in C, those of each element in shared loops."""
    kernels: list[Kernel] = []
    numbered = [(number, piece) for number in numbers for piece in pieces[number] or ()]
    following = [number for number, _ in numbered[1:]] + [numbers[-1] + 1]
    done = 0
    for is_of_each, run in groupby((piece for _, piece in numbered), lambda piece: isinstance(piece, Elementwise)):
        own = list(run)
        if not is_of_each:
            kernels += [piece for piece in own if isinstance(piece, Kernel)]
            done += len(own)
            continue
        for group in grouped([piece for piece in own if isinstance(piece, Elementwise)]):
            done += len(group.kernels)
            end = following[done - 1]
            wanted = {each.result.memory for each in group.kernels if last.get(each.result.memory, inf) >= end}
            kernels.append(group.kernel(wanted))
    return kernels


def _last_uses(operations: Sequence[Operation], kept: Sequence[Tensor]) -> dict[int, float]:
    """Return for each memory that is made on the way the number of the last operation that reads it."""
    last: dict[int, float] = {}
    seen: set[int] = set()
    for number, each in enumerate(operations):
        touched = set(map(memory, each.tensors()))
        last.update(dict.fromkeys(touched & last.keys(), number))
        seen |= touched
        made = set(map(memory, each.results())) - seen
        last.update(dict.fromkeys(made, number))
        seen |= made
    return last | {memory(tensor): inf for tensor in kept}
