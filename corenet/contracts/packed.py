"""Pickling and copying take the numbers of a parameter alone, not the flat tensor that it is a view of."""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from corenet.contracts.containers import replaced
from corenet.contracts.parameter import Buffer, Parameter


class Packed:
    """Stands for a parameter in the state of an object; unpickled or copied, it is one with a memory of its own.

    Each parameter has one of these at a time, so that a parameter in two places stays one.
    """

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor

    def __reduce__(self) -> tuple[type, tuple[Tensor]]:
        return _kind(self.tensor), (self.tensor.detach().clone(memory_format=torch.contiguous_format),)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if id(self.tensor) not in memo:  # else something that holds the tensor itself was copied before
            copied = _kind(self.tensor)(self.tensor)
            copied.grad = None if self.tensor.grad is None else self.tensor.grad.clone()
            memo[id(self.tensor)] = copied
        copy: Tensor = memo[id(self.tensor)]
        return copy


class PackedState:
    """An object whose pickles and copies hold its parameters packed."""

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = packed(vars(self))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(unpacked(state))


_PACKED: WeakValueDictionary[int, Packed] = WeakValueDictionary()  # by the id of the tensor, which it keeps alive


def packed(state: Any) -> Any:
    """Return ``state``, a container, with a :class:`Packed` for each parameter that is part of a larger memory."""
    return replaced(state, lambda value: _pack(value) if _is_part(value) else value)


def unpacked(state: Any) -> Any:
    """Return ``state`` with the parameters themselves again, for a shallow copy."""
    return replaced(state, lambda value: value.tensor if isinstance(value, Packed) else value)


def _pack(tensor: Tensor) -> Packed:
    return _PACKED.setdefault(id(tensor), Packed(tensor))


def _is_part(value: object) -> bool:
    if not isinstance(value, (Parameter, Buffer)):
        return False
    return value.untyped_storage().nbytes() > value.numel() * value.element_size()


def _kind(tensor: Tensor) -> type[Parameter] | type[Buffer]:
    return Parameter if isinstance(tensor, Parameter) else Buffer
