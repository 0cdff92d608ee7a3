"""Checks that look at numbers: asked at once, or by whoever records a step, outside of what is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corenet.contracts.loss import Loss
    from corenet.contracts.module import Module

Ask = Callable[["Module | Loss", tuple[Any, ...]], None]


def at_once(part: Module | Loss, inputs: tuple[Any, ...]) -> None:
    """Let a module or a loss look at the numbers of its inputs now."""
    part.check_values(*inputs)


_ASK: ContextVar[Ask] = ContextVar("corenet_value_checks", default=at_once)


def ask(part: Module | Loss, inputs: tuple[Any, ...]) -> None:
    """Let a module or a loss look at the numbers of its inputs, in the way of the moment."""
    _ASK.get()(part, inputs)


@contextmanager
def asked_by(way: Ask) -> Iterator[None]:
    """Have modules and losses asked in another way for a while."""
    token = _ASK.set(way)
    try:
        yield
    finally:
        _ASK.reset(token)
