"""What a computation did, operation by operation, with the very tensors that it made.

Between Python and torch's kernels every operation passes one point, where a mode may look on.
The tape notes the operation, its arguments and its result, and keeps all of them alive.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_OF_ITS_MEMORY = ("aten::resize_", "aten::resize_as_", "aten::set_")


class NotRecordable(Exception):  # noqa: N818 - it says that another engine is needed, not that something is wrong
    """A computation looks at its numbers, or does something else that can't be done again from a tape."""


def memory(tensor: Tensor) -> int:
    """Return what tells the memory of a tensor from others."""
    return tensor.untyped_storage().data_ptr()


@dataclass(frozen=True)
class Operation:
    """One call of a kernel: what was called, with what, and the tensor that came of it."""

    function: Any
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    result: Any

    @property
    def name(self) -> str:
        """The kernel's bare name, such as ``addmm``."""
        return str(self.function._schema.name).partition("::")[2]

    @property
    def writes(self) -> bool:
        """Whether it changes an argument in place."""
        return bool(self.function._schema.is_mutable)

    @property
    def is_view(self) -> bool:
        """Whether its result is an argument seen otherwise: then nothing has to be done again."""
        if torch.Tag.inplace_view in self.function.tags:
            return True
        if self.writes or not isinstance(self.result, Tensor):
            return False
        own = memory(self.result)
        return any(memory(tensor) == own for tensor in self.tensors()) and own != 0

    @property
    def draws(self) -> bool:
        """Whether it draws random numbers, by no other numbers than constants."""
        asked = [tensor for tensor in self.tensors() if tensor is not self.result]
        is_random = torch.Tag.nondeterministic_seeded in self.function.tags
        return is_random and isinstance(self.result, Tensor) and (not asked or self.name.endswith("_like"))

    def tensors(self) -> list[Tensor]:
        """Return the tensors among the arguments, those in lists included."""
        found = []
        for each in (*self.arguments, *self.keywords.values()):
            found += [
                item for item in (each if isinstance(each, (list, tuple)) else [each]) if isinstance(item, Tensor)
            ]
        return found

    def having(self, new: Tensor, old: Tensor) -> Operation:
        """Return the operation with a tensor in the place of another."""
        arguments = tuple(new if each is old else each for each in self.arguments)
        return replace(self, arguments=arguments, result=new if self.result is old else self.result)

    def results(self) -> list[Tensor]:
        """Return the tensors that it gives."""
        return list(self.result) if isinstance(self.result, (list, tuple)) else [self.result]

    def into(self, result: Tensor) -> Operation:
        """Return the operation with another tensor to put its result in."""
        return replace(self, result=result)


class Tape(TorchDispatchMode):
    """Records the operations that run within it: ``with Tape() as tape: …``, then ``tape.operations``.

    Raises:
        NotRecordable: an operation gives no tensor, such as ``item()``: what follows may depend on it.

    >>> import torch
    >>> x = torch.ones(2)
    >>> with Tape() as tape:
    ...     y = 2 * x + x
    >>> [operation.name for operation in tape.operations]
    ['mul', 'add']
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[Operation] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would import its compiler for that, which takes a second

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        keywords = kwargs or {}
        if torch.Tag.dynamic_output_shape in func.tags and not _is_gather(func, args):
            raise NotRecordable(f"{func} gives a shape that depends on numbers")
        if torch.Tag.inplace_view in func.tags:
            self._keep_as_it_is(func, args[0])
        result = func(*args, **keywords)
        if not all(isinstance(each, Tensor) for each in (result if isinstance(result, (list, tuple)) else [result])):
            raise NotRecordable(f"{func} looks at numbers")
        self.operations.append(Operation(func, args, keywords, result))
        return result

    def _keep_as_it_is(self, function: Any, tensor: Tensor) -> None:
        """Let earlier operations have a tensor in the shape that they had it in, before it gets another."""
        if function._schema.name in _OF_ITS_MEMORY:
            raise NotRecordable(f"{function} changes the memory of a tensor")
        before = tensor.view_as(tensor)
        self.operations = [each.having(before, tensor) for each in self.operations]


def _is_gather(function: Any, arguments: Any) -> bool:
    """Tell whether it picks by whole numbers, so that the result's shape is that of the indices."""
    if function is not torch.ops.aten.index.Tensor:
        return False
    return all(index is None or index.dtype not in (torch.bool, torch.uint8) for index in arguments[1])
