"""What modules add to the loss of a step."""

from __future__ import annotations

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


class collected:  # noqa: N801 - written out, as contextlib's costs each step a hundredth of its time
    """Collect what is added for a while: ``with collected() as penalties``."""

    def __enter__(self) -> list[Tensor]:
        added: list[Tensor] = []
        self._token = _ADDED.set(added)
        return added

    def __exit__(self, *_: object) -> None:
        _ADDED.reset(self._token)


def with_penalties(value: Tensor, added: list[Tensor]) -> Tensor:
    """Return the loss with all that was added; values that were not reduced get an equal part of it each.

    >>> with_penalties(torch.tensor([1.0, 2.0]), [torch.tensor(4.0)])
    tensor([3., 4.])
    """
    return value + torch.stack(added).sum().to(value.dtype) / value.numel() if added else value
