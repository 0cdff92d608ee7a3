"""Custom operators: what ``torch.library.custom_op`` returns, and what ``torch.ops`` has."""

from __future__ import annotations

from typing import Any

from torch._library.custom_ops import CustomOpDef
from torch._ops import OpOverload, OpOverloadPacket


def is_operator(fn: object) -> bool:
    """Tell whether it is one that ``torch.library.custom_op`` returned."""
    return isinstance(fn, CustomOpDef)


def overload_of(fn: Any) -> OpOverload | None:
    """Return the overload that is called without a choice; None of what is no operator.

    >>> import torch
    >>> overload_of(torch.ops.aten.sigmoid).name(), overload_of(torch.sigmoid)
    ('aten::sigmoid', None)
    """
    if isinstance(fn, CustomOpDef):
        return fn._opoverload
    if isinstance(fn, OpOverloadPacket):
        found: OpOverload = getattr(fn, fn.overloads()[0])
        return found
    return fn if isinstance(fn, OpOverload) else None


def qualified_name(overload: OpOverload) -> str:
    """Return its name as ``torch.library`` takes it, such as ``mylib::swish``."""
    return str(overload._schema.name)


def arguments_of(overload: OpOverload) -> list[str]:
    """Return what its schema calls the arguments that are given by place."""
    return [each.name for each in overload._schema.arguments if not each.kwarg_only]
