"""What a computation did, operation by operation, with the very tensors that it made.

The log notes each operation, its arguments and its result, and keeps all of them alive.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from corenet.training.engines.unsupported import NotRecordable

_OF_ITS_MEMORY = ("aten::resize_", "aten::resize_as_", "aten::set_")
MASKS = "use torch.where or a product with the mask instead of indexing by it"
LOOKS = "use torch.where instead of item(), numpy() or an if on a tensor"
_PAST_KERNELS = (
    Tensor.tolist,
    Tensor.numpy,
    Tensor.__array__,
    Tensor.__dlpack__,
    Tensor.untyped_storage,
    Tensor.storage,
    Tensor.data_ptr,
    Tensor.__reduce_ex__,
    Tensor.__deepcopy__,
    Tensor.__repr__,
    Tensor.__format__,
)


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
        """Whether its results are views of arguments: then nothing has to be done again."""
        if torch.Tag.inplace_view in self.function.tags:
            return True
        results = self.results()
        if self.writes or not results or not all(isinstance(each, Tensor) for each in results):
            return False
        own = {memory(tensor) for tensor in self.tensors()} - {0}
        return all(memory(each) in own for each in results)

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
        """Return the tensors that it gives; a kernel leaves out those that it was told not to compute."""
        several = self.result if isinstance(self.result, (list, tuple)) else [self.result]
        return [each for each in several if each is not None]

    def into(self, result: Tensor) -> Operation:
        """Return the operation with another tensor to put its result in."""
        return replace(self, result=result)


class OpLog:
    """Notes the operations that run within it: ``with OpLog() as log: …``, then ``log.operations``.

    What cannot be done again from the log disturbs nothing: it goes on as it would without, and ``log.refusal`` says
    what it was, the first of them if there are several.

    >>> import torch
    >>> x = torch.ones(2)
    >>> with OpLog() as log:
    ...     y = 2 * x + x
    >>> [operation.name for operation in log.operations]
    ['mul', 'add']
    >>> with OpLog() as log:
    ...     y = x.sum().item()
    >>> log.refusal.text
    "the step reads a tensor\'s values in Python (aten._local_scalar_dense)"
    """

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.refusal: NotRecordable | None = None
        self.is_suspended = False
        self._modes = _Kernels(self), _Methods(self)

    def __enter__(self) -> Self:
        for mode in self._modes:
            mode.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: object) -> None:
        for mode in reversed(self._modes):
            mode.__exit__(*error)  # type: ignore[no-untyped-call]

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Note nothing for a while."""
        self.is_suspended = True
        try:
            yield
        finally:
            self.is_suspended = False

    def refuse(self, text: str, fix: str = "") -> None:
        """Note what cannot be done again from the log."""
        self.refusal = self.refusal or NotRecordable(text, fix)

    def checked(self) -> list[Operation]:
        """Return the operations.

        Raises:
            NotRecordable: they are not all of what was done.
        """
        if self.refusal is not None:
            raise self.refusal
        return self.operations


class _Kernels(TorchDispatchMode):
    """Between Python and torch's kernels every operation passes here."""

    def __init__(self, log: OpLog) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._log = log

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would import its compiler for that, which takes a second

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        keywords = kwargs or {}
        if self._log.is_suspended:
            return func(*args, **keywords)
        if torch.Tag.dynamic_output_shape in func.tags and not _is_gather(func, args):
            self._log.refuse(f"the step makes a tensor whose shape depends on its numbers ({_name(func)})", MASKS)
        if torch.Tag.inplace_view in func.tags:
            self._keep_as_it_is(func, args[0])
        result = func(*args, **keywords)
        if not _is_tensors(result):
            self._log.refuse(f"the step reads a tensor's values in Python ({_name(func)})", LOOKS)
        self._log.operations.append(Operation(func, args, keywords, result))
        return result

    def _keep_as_it_is(self, function: Any, tensor: Tensor) -> None:
        """Let earlier operations have a tensor in the shape that they had it in, before it gets another."""
        if function._schema.name in _OF_ITS_MEMORY:
            self._log.refuse(f"the step changes the memory of a tensor ({_name(function)})", "make another tensor")
            return
        before = tensor.view_as(tensor)
        self._log.operations = [each.having(before, tensor) for each in self._log.operations]


class _Methods(TorchFunctionMode):
    """Methods that hand numbers to Python past torch's kernels are seen here alone."""

    def __init__(self, log: OpLog) -> None:
        super().__init__()
        self._log = log

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _PAST_KERNELS and not self._log.is_suspended:
            self._log.refuse(f"the step reads a tensor's values in Python (Tensor.{func.__name__})", LOOKS)
        return func(*args, **(kwargs or {}))


def _is_tensors(result: Any) -> bool:
    """Tell whether a kernel gives tensors and nothing else, such as a number; in the places of some may be None."""
    if isinstance(result, (list, tuple)):
        return all(isinstance(each, Tensor) or each is None for each in result)
    return isinstance(result, Tensor)


def _name(function: Any) -> str:
    return str(function.overloadpacket)


def _is_gather(function: Any, arguments: Any) -> bool:
    """Tell whether it picks by whole numbers, so that the result's shape is that of the indices."""
    if function is not torch.ops.aten.index.Tensor:
        return False
    return all(index is None or index.dtype not in (torch.bool, torch.uint8) for index in arguments[1])
