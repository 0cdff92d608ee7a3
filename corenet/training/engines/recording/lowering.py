"""A log of operations as a list of calls: each writes again into the very tensor that it made when it was recorded.

So nothing is allocated, views are what they were, and no Python runs between the kernels but the loop.
Four changes make it cheaper without changing what is computed:

- a gradient that starts at zero and is added to once is written instead;
- a rectifier and its like, whose input nobody needs after, works in place;
- a number among the arguments becomes a tensor once, not in every call;
- what is computed of numbers in the code alone, such as a causal mask, is computed once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from corenet.training.engines.engine import Running
from corenet.training.engines.recording.constants import constants
from corenet.training.engines.recording.op_log import Operation, memory

Call = Callable[[], object]

_ARITHMETIC = ("add", "sub", "mul", "div")
_IN_PLACE = ("relu", "tanh", "sigmoid")
_ADD = torch.ops.aten.add_.Tensor
_ZERO = torch.ops.aten.zero_.default


def lower(operations: Sequence[Operation], gradients: Iterable[Tensor], kept: Sequence[Tensor] = ()) -> list[Call]:
    """Return calls that do ``operations`` again, after setting ``gradients`` to zero; ``kept`` is read afterwards.

    >>> from corenet.training.engines.recording.op_log import OpLog
    >>> x = torch.ones(2)
    >>> with OpLog() as log:
    ...     y = 2 * x + x
    >>> calls = lower(log.operations, [])
    >>> _ = x.fill_(5)
    >>> for call in calls:
    ...     _ = call()
    >>> y
    tensor([15., 15.])
    """
    return [call(operation) for operation in _in_place(needed(operations, gradients, kept), kept)]


class KernelCalls:
    """The lowering to calls of torch's kernels."""

    running: Running = "replay"

    def __call__(
        self, operations: Sequence[Operation], gradients: Sequence[Tensor], kept: Sequence[Tensor]
    ) -> list[Call]:
        """Return :func:`lower` of these."""
        return lower(operations, gradients, kept)

    def improved(self) -> bool:
        """Tell that they never become quicker."""
        return False


def needed(
    operations: Sequence[Operation], gradients: Iterable[Tensor], kept: Sequence[Tensor] = ()
) -> list[Operation]:
    """Return what of ``operations`` has to be done again, after setting ``gradients`` to zero, to read ``kept``."""
    fixed = constants(operations) - set(map(memory, kept))
    working = [each for each in operations if _makes_numbers(each) and not fixed & set(map(memory, each.results()))]
    working, written = _written_not_added(working, list(gradients))
    zeroed = [Operation(_ZERO, (each,), {}, each) for each in gradients if id(each) not in written]
    return zeroed + working


def _makes_numbers(operation: Operation) -> bool:
    """Tell whether an operation computes anything, rather than a view, memory to be filled, or nothing."""
    is_memory = operation.name.startswith(("empty", "new_empty"))
    return not (operation.is_view or is_memory) and any(each.numel() for each in operation.results())


def _uses(operations: Sequence[Operation]) -> Counter[int]:
    """Return how often each memory is used as an argument."""
    return Counter(memory(tensor) for each in operations for tensor in each.tensors())


def _written_not_added(operations: list[Operation], gradients: list[Tensor]) -> tuple[list[Operation], set[int]]:
    """Replace zeroing a gradient and adding the first term by one write, if nobody else uses the term."""
    waiting = {id(gradient) for gradient in gradients}
    uses = _uses(operations)
    done: set[int] = set()
    kept: list[Operation] = []
    for each in operations:
        if each.function is _ADD and not each.keywords and id(each.arguments[0]) in waiting:
            gradient, addend = each.arguments
            waiting.discard(id(gradient))
            is_fresh = kept and kept[-1].result is addend and uses[memory(addend)] == 1
            is_alike = addend.shape == gradient.shape and addend.dtype == gradient.dtype
            if is_fresh and is_alike and not any(_touches(one, gradient) for one in kept):
                kept[-1] = kept[-1].into(gradient)
                done.add(id(gradient))
                continue
        kept.append(each)
    return kept, done


def _touches(operation: Operation, gradient: Tensor) -> bool:
    """Tell whether an operation reads or writes some of a gradient's memory."""
    start, end = _range(gradient)
    ranges = [_range(tensor) for tensor in operation.tensors() if memory(tensor) == memory(gradient)]
    return any(other < end and start < other_end for other, other_end in ranges)


def _range(tensor: Tensor) -> tuple[int, int]:
    """Return the first address of a tensor, and the one after its last."""
    reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.data_ptr(), tensor.data_ptr() + (reach + 1) * tensor.element_size()


def _in_place(operations: list[Operation], wanted: Sequence[Tensor]) -> list[Operation]:
    """Let a function of each element work on its argument's own memory, if nobody uses that after."""
    uses = _uses(operations)
    uses.update(memory(tensor) for tensor in wanted)
    kept: list[Operation] = []
    for each in operations:
        before = kept[-1] if kept else None
        if (
            each.name in _IN_PLACE
            and before is not None
            and not before.writes
            and before.result is each.arguments[0]
            and uses[memory(before.result)] == 1
        ):
            kept[-1] = before.into(each.result)
            in_place = getattr(torch.ops.aten, f"{each.name}_").default
            kept.append(Operation(in_place, (each.result,), {}, each.result))
        else:
            kept.append(each)
    return kept


def call(operation: Operation) -> Call:
    """Return a call without arguments that does an operation again, into the same result."""
    operation = _that_writes(operation)
    if operation.writes:
        is_method = operation.name.endswith("_")  # quicker than the kernel; others write to an argument called out
        function = getattr(Tensor, operation.name, operation.function) if is_method else operation.function
        return partial(function, *_constants(operation), **operation.keywords)
    if isinstance(operation.result, Tensor):
        for function in _forms(operation):
            again = partial(function, *_constants(operation), **operation.keywords, out=operation.result)
            with suppress(RuntimeError, TypeError, NotImplementedError, UserWarning):  # not every kernel has each form
                again()
                return again
    return partial(_copied, operation)


def kernel_of(again: Call) -> str:
    """Return the bare name of the kernel that a call does again, as :func:`call` has made it.

    >>> import torch
    >>> x = torch.rand(3)
    >>> kernel_of(call(Operation(torch.ops.aten.cumsum.default, (x, 0), {}, x.cumsum(0))))
    'cumsum'
    """
    assert isinstance(again, partial), "it is made by call"
    if again.func is _copied:
        return again.args[0].name  # type: ignore[no-any-return]
    return str(again.func.__name__).partition(".")[0]


def _that_writes(operation: Operation) -> Operation:
    """Return the same operation by a kernel that can write into a given result, where its own cannot."""
    if operation.name in ("new_zeros", "zeros_like"):
        return Operation(_ZERO, (operation.result,), {}, operation.result)
    if operation.name == "rsub" and len(operation.arguments) == 2 and operation.result.is_floating_point():
        return replace(operation, function=torch.ops.aten.sub.Tensor, arguments=operation.arguments[::-1])
    return operation


def _forms(operation: Operation) -> list[Callable[..., object]]:
    """Return functions that may take an operation's result to write into, the quicker first."""
    packet = getattr(torch.ops.aten, operation.name)
    names = ("out", f"{operation.function._overloadname}_out")
    found = [getattr(torch, operation.name, None), *(getattr(packet, name, None) for name in names)]
    return [each for each in found if each is not None]


def _constants(operation: Operation) -> tuple[Any, ...]:
    """Return the arguments; those of arithmetic have Python scalars converted to tensors of the result's dtype."""
    if operation.name not in _ARITHMETIC or not operation.result.is_floating_point():
        return operation.arguments
    like = operation.result
    return tuple(
        torch.tensor(each, dtype=like.dtype, device=like.device) if isinstance(each, (int, float)) else each
        for each in operation.arguments
    )


def _copied(operation: Operation) -> None:
    """Do an operation that can't be told where to put its result."""
    again = operation.function(*operation.arguments, **operation.keywords)
    pairs = (
        zip(operation.result, again, strict=True) if isinstance(again, (list, tuple)) else [(operation.result, again)]
    )
    for result, new in pairs:
        if result is not None:
            result.copy_(new)
