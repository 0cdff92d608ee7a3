"""What modules add to the loss of a step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

from corenet.errors import DTypeError, ShapeError

_ADDED: ContextVar[list[Tensor] | None] = ContextVar("corenet_penalties", default=None)


def add(owner: object, value: Tensor) -> None:
    """Add ``value`` to the loss of the step that is under way, if there is one."""
    if not isinstance(value, Tensor):
        raise DTypeError(f"{owner!r}: add_penalty takes a torch.Tensor, got {type(value).__name__}")
    if value.dim():
        raise ShapeError(f"{owner!r}: the penalty", value.shape, "expected one number; use .sum()")
    added = _ADDED.get()
    if added is not None:
        added.append(value)


@contextmanager
def collected() -> Iterator[list[Tensor]]:
    """Collect what is added for a while."""
    added: list[Tensor] = []
    token = _ADDED.set(added)
    try:
        yield added
    finally:
        _ADDED.reset(token)


def with_penalties(value: Tensor, added: list[Tensor]) -> Tensor:
    """Return the loss with all that was added; values that were not reduced get an equal part of it each.

    >>> with_penalties(torch.tensor([1.0, 2.0]), [torch.tensor(4.0)])
    tensor([3., 4.])
    """
    return value + torch.stack(added).sum().to(value.dtype) / value.numel() if added else value
