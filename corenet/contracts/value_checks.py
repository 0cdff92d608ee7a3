"""Checks that look at numbers: asked at once, or by whoever records a step, outside of what is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from corenet.contracts.module import Module

Ask = Callable[["Module", tuple[Any, ...]], None]


def at_once(module: Module, inputs: tuple[Any, ...]) -> None:
    """Let ``module`` look at the numbers of its inputs now."""
    module.check_values(*inputs)


_ASK: ContextVar[Ask] = ContextVar("corenet_value_checks", default=at_once)


def ask(module: Module, inputs: tuple[Any, ...]) -> None:
    """Let ``module`` look at the numbers of its inputs, in the way of the moment."""
    _ASK.get()(module, inputs)


@contextmanager
def asked_by(way: Ask) -> Iterator[None]:
    """Have modules asked in another way for a while."""
    token = _ASK.set(way)
    try:
        yield
    finally:
        _ASK.reset(token)
