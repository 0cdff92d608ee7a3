"""What a step computes of nothing but numbers in its code, such as ``torch.arange(5)`` or a causal mask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from corenet.training.engines.recording.op_log import Operation, memory


def constants(operations: Sequence[Operation]) -> set[int]:
    """Return the memories whose numbers are the same in each step: once is enough for these.

    >>> from corenet.training.engines.recording.op_log import OpLog
    >>> x = torch.ones(3)
    >>> with OpLog() as log:
    ...     mask = torch.ones(3, 3).triu(1) > 0
    ...     y = x * torch.zeros(3).add_(1)
    >>> memory(mask) in constants(log.operations), len(constants(log.operations))
    (True, 3)
    """
    written = _memories(each for each in operations if each.writes)
    found: set[int] = set()
    for each in operations:
        if _is_fixed(each) and all(memory(tensor) in found for tensor in each.tensors()):
            found |= _memories([each]) - written
    return found - {0}


def made(operations: Sequence[Operation]) -> set[int]:
    """Return the memories of the tensors that came into being, constants aside: they are filled in each step."""
    return _memories(each for each in operations if not (each.is_view or each.writes)) - constants(operations)


def _is_fixed(operation: Operation) -> bool:
    """Tell whether an operation makes a tensor, and the same one of the same arguments."""
    is_random = torch.Tag.nondeterministic_seeded in operation.function.tags
    is_filled = not operation.name.startswith(("empty", "new_empty"))
    return is_filled and not (is_random or operation.writes or operation.is_view)


def _memories(operations: Iterable[Operation]) -> set[int]:
    return {memory(result) for each in operations for result in each.results()}
