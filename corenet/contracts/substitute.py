"""Other tensors in the places of a module's own: how one module computes with many sets of weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor

from corenet.contracts.containers import replaced
from corenet.contracts.module import Module


@contextmanager
def substituted_tensors(module: Module, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """Put ``tensors`` in the places of the parameters and buffers of their names, and the originals back after.

    Each is used wherever its original is, tied weights included.

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
        attributes.update(replaced(kept, lambda value: by_identity.get(id(value), value)))
    try:
        yield
    finally:
        for attributes, kept in before:
            attributes.update(kept)
