"""What can be checked, and what to call it."""

from __future__ import annotations

from typing import Any

import torch
from corenet.errors import ConfigError

from corenet_torch.operators import overload_of, qualified_name
from corenet_torch.pairs import Pair


def can_be_checked(fn: object) -> bool:
    """Tell whether it is an autograd.Function, a pair of functions, or what can be called, but no other class."""
    is_function = isinstance(fn, type) and issubclass(fn, torch.autograd.Function)
    is_pair = isinstance(fn, Pair) or (isinstance(fn, tuple) and len(fn) == 2 and all(map(callable, fn)))
    return is_function or is_pair or (callable(fn) and not isinstance(fn, type))


def refuse_other(fn: Any) -> None:
    """Refuse what cannot be checked.

    Raises:
        ConfigError: it is nothing of all that.
    """
    if not can_be_checked(fn):
        raise ConfigError(
            "check takes an autograd.Function, a torch.nn.Module, a function, a custom operator or a pair "
            f"(forward, backward), not {fn!r:.80}"
        )


def name_of(fn: Any) -> str:
    """Return what to call it in a report.

    >>> name_of(torch.sin), name_of(torch.nn.Tanh()), name_of((torch.sin, torch.cos))
    ('sin', 'Tanh', '(sin, cos)')
    """
    if isinstance(fn, Pair):
        return name_of(fn.forward) if fn.backward is fn.forward else name_of((fn.forward, fn.backward))
    if isinstance(fn, tuple):
        return f"({', '.join(map(name_of, fn))})"
    if isinstance(fn, torch.nn.Module):
        return type(fn).__name__
    if (overload := overload_of(fn)) is not None:
        return qualified_name(overload)
    return getattr(fn, "__name__", repr(fn))
