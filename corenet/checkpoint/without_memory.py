"""Building what a file describes without memory, to see its sizes before they are believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

STEPS = 200  # of torch to make and fill one tensor: a linear layer takes 24
FREE = 10_000  # of a model of no tensors


@contextmanager
def without_memory(tensors: int) -> Iterator[None]:
    """Let all that is made have a shape and no numbers, on whatever device it is asked for; it may be some ``tensors``.

    Raises:
        ValueError: it takes so many steps that it must be far more.

    >>> with without_memory(1):
    ...     torch.empty(10**6, 10**6, device="cpu").device
    device(type='meta')
    """
    with torch.device("meta"), _Nowhere(FREE + STEPS * tensors):
        yield


class _Nowhere(TorchFunctionMode):
    """Overrules a device that is named, and ends what goes on and on: a file gives devices and counts as arguments."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self._left = left

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ValueError("it describes far more tensors than it holds")
        given = dict(kwargs or {})
        if given.get("device") is not None:
            given["device"] = "meta"
        return func(*args, **given)
