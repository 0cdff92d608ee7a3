"""The line of a component's source at which something happens while it runs."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, float64
from torch.utils._python_dispatch import TorchDispatchMode

from corenet.testing.diagnosis.method_source import shortened
from corenet.testing.diagnosis.source_lines import own_sources

Happened = Callable[[Any, Sequence[Any], Any], bool]
ROUNDS = "float32 inside: forward or backward rounds float64 to fewer digits"
KEEP_DTYPE = "keep the dtype of the input: input.dtype, torch.zeros_like(input), no .float()"
UNKNOWN = "a line outside of its source"


def first_line(subject: Callable[..., Any], computation: Callable[[], object], happened: Happened) -> str:
    """Return the line of ``subject``'s source in which ``happened`` first is true of an operation; '' if it never is.

    ``happened`` is given each operation on tensors, its arguments, and its result.
    """
    watch = _Watch(own_sources(subject), happened)
    with watch:
        computation()
    return watch.line


def loses_digits(_: Any, arguments: Sequence[Any], result: Any) -> bool:
    """Tell whether an operation takes float64 and gives floating-point numbers of fewer digits."""
    took = any(isinstance(each, Tensor) and each.dtype == float64 and each.numel() for each in arguments)
    return took and isinstance(result, Tensor) and result.is_floating_point() and result.dtype != float64


def writes_to(tensor: Tensor) -> Happened:
    """Return a function that tells whether an operation writes to the memory of ``tensor``."""
    memory = tensor.untyped_storage().data_ptr()

    def writes(operation: Any, arguments: Sequence[Any], _: Any) -> bool:
        declared = zip(operation._schema.arguments, arguments, strict=False)
        written = [each for how, each in declared if how.alias_info is not None and how.alias_info.is_write]
        return any(isinstance(each, Tensor) and each.untyped_storage().data_ptr() == memory for each in written)

    return writes


class _Watch(TorchDispatchMode):
    def __init__(self, sources: dict[str | None, str], happened: Happened) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sources, self.happened, self.line = sources, happened, ""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # torch would import its compiler for that, which takes a second

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self.line and self.happened(func, [*args, *(kwargs or {}).values()], result):
            self.line = self._own_line()
        return result

    def _own_line(self) -> str:
        frame = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename not in self.sources:
            frame = frame.f_back  # type: ignore[assignment]
        if frame is None:
            return UNKNOWN
        file = frame.f_code.co_filename
        return f"{self.sources[file]}:{frame.f_lineno}: {shortened(linecache.getline(file, frame.f_lineno))}"
