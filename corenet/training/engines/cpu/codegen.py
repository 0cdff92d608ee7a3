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
from corenet.training.engines.cpu.elementwise import Elementwise
from corenet.training.engines.cpu.fuse import grouped
from corenet.training.engines.cpu.matmul import product
from corenet.training.engines.cpu.reduction import reduction
from corenet.training.engines.recording.lowering import Call, call, needed
from corenet.training.engines.recording.op_log import Operation, memory
from corenet.training.engines.unsupported import CannotCompile

MOST = 400  # kernels
Storage = torch.UntypedStorage


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
        self.function(self.addresses)

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
    operations: Iterable[Operation],
    gradients: Sequence[Tensor],
    kept: Sequence[Tensor] = (),
    library: Callable[[str], Any] = cc.library,
) -> list[Call]:
    """Return what :func:`~corenet.training.engines.recording.lowering.lower` does, in C where it is known how.

    What is drawn at random is drawn first, in its order, so that it does not part what could be one function.

    Raises:
        CannotCompile: there is no C compiler, it refused, or the tensors are not the processor's.
    """
    draws, operations = split_draws(needed(operations, gradients))
    if len(operations) > MOST:
        raise CannotCompile(f"the step has {len(operations)} kernels; at most {MOST} are compiled")
    touched = [tensor for each in operations for tensor in (*each.tensors(), *each.results())]
    if not all(tensor.is_cpu for tensor in touched):
        raise CannotCompile("the tensors are on another device", "take engine='graph' on a CUDA device")
    places = _Places()
    pieces = [_piece(each, places) for each in operations]
    runs = [
        (is_known, list(numbers))
        for is_known, numbers in groupby(range(len(pieces)), lambda number: pieces[number] is not None)
    ]
    last = _last_uses(operations, [*kept, *gradients])
    sources = [
        _function(f"run{numbers[0]}", _body(pieces, numbers, last, places)) for is_known, numbers in runs if is_known
    ]
    if not sources:
        raise CannotCompile("no kernel of the step is known in C")
    found = {memory(tensor): tensor for tensor in touched}
    if _overlap(found.values()):
        raise CannotCompile("tensors share memory that torch takes for different ones", "give each its own")
    storages = [found[each].untyped_storage() for each in places]
    built = library("".join(sources))
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


def _piece(operation: Operation, places: _Places) -> Elementwise | str | None:
    """Return an operation in C, or None if it is not known, or a tensor is another's memory seen with a minus sign."""
    if any(tensor.is_neg() for tensor in operation.tensors()):
        return None
    return Elementwise.of(operation) or product(operation, places) or reduction(operation, places)


def _function(name: str, kernels: Sequence[str]) -> str:
    """Return a function of C that does ``kernels``, each a function too: a compiler takes long for one large one."""
    parts = [f"static NOT_INLINED void {name}_{number}(char **m) {kernel}" for number, kernel in enumerate(kernels)]
    calls = " ".join(f"{name}_{number}(m);" for number in range(len(kernels)))
    return "\n".join([*parts, f"void {name}(char **m) {{ {calls} }}\n"])


def _body(
    pieces: Sequence[Elementwise | str | None], numbers: Sequence[int], last: dict[int, float], places: _Places
) -> list[str]:
    """Return kernels in C, those of each element in shared loops."""
    lines: list[str] = []
    for kind, run in groupby(numbers, lambda number: isinstance(pieces[number], Elementwise)):
        if not kind:
            lines += [str(pieces[number]) for number in run]
            continue
        numbered = list(run)
        end = numbered[0]
        for group in grouped([piece for n in numbered if isinstance(piece := pieces[n], Elementwise)]):
            end += len(group.kernels)
            wanted = {each.result.memory for each in group.kernels if last.get(each.result.memory, inf) >= end}
            lines.append(group.source(places, wanted))
    return lines


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
