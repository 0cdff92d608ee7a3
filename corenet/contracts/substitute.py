"""Other tensors in the places of a module's own: how one module computes for many sets of weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from corenet.contracts.module import Module


@contextmanager
def substituted_tensors(module: Module, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """Put ``tensors`` in the places of the parameters and buffers of their names, and take them out again.

    Each stands in wherever its original is used, tied weights included.

    >>> import corenet as cn, torch
    >>> linear = cn.Linear(1, 1, bias=False)
    >>> with substituted_tensors(linear, {"weight": torch.full((1, 1), 3.0)}):
    ...     linear.eval()(torch.ones(1))
    tensor([3.])
    """
    originals = dict(module.named_tensors())
    by_identity = {id(originals[name]): tensor for name, tensor in tensors.items()}
    for name, tensor in tensors.items():
        tensor._corenet_mark = originals[name]._corenet_mark  # type: ignore[attr-defined]
    before = [(vars(each), dict(vars(each))) for _, each in module.named_modules()]
    for attributes, kept in before:
        attributes.update({name: _replaced(value, by_identity) for name, value in kept.items()})
    try:
        yield
    finally:
        for attributes, kept in before:
            attributes.update(kept)


def _replaced(value: Any, by_identity: Mapping[int, Tensor]) -> Any:
    if isinstance(value, (list, tuple)):
        make = getattr(value, "_make", type(value))  # a named tuple's type takes its parts one by one
        return make(_replaced(each, by_identity) for each in value)
    if isinstance(value, dict):
        return {key: _replaced(each, by_identity) for key, each in value.items()}
    return by_identity.get(id(value), value)
