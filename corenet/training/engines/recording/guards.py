"""What a recording takes for granted: which tensors there are, where they lie, and every setting beside them."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.parameter import Buffer, Parameter
from corenet.contracts.tree import Tree, held
from corenet.training.engines.recording.op_log import NotRecordable

_PLAIN = (bool, int, float, str, type(None))


def surroundings(model: Module, loss: Loss) -> list[Any]:
    """Return values that stay equal as long as a recorded step stays what the plain step does.

    >>> import corenet as cn
    >>> model, loss = cn.Sequential(cn.Dropout(0.5)), cn.MSELoss()
    >>> before = surroundings(model, loss)
    >>> model[0].p = 0.6
    >>> surroundings(model, loss) == before
    False
    """
    found: list[Any] = []
    for part in parts_of(model, loss):
        for name, value in held(part):
            found += (name, value) if isinstance(value, _PLAIN) else (name, *_identity(value))
    return found


def kind_of(part: Module | Loss) -> tuple[Any, ...]:
    """Return what two models, or two losses, have in common if they differ in the numbers of their tensors only.

    >>> import corenet as cn
    >>> kind_of(cn.Linear(2, 1)) == kind_of(cn.Linear(2, 1)), kind_of(cn.Linear(2, 1)) == kind_of(cn.Linear(3, 1))
    (True, False)
    """
    parts = part.named_modules() if isinstance(part, Module) else [("", part)]
    return tuple(
        (path, type(each), tuple((name, *_described(value)) for name, value in held(each))) for path, each in parts
    )


def _described(value: object) -> tuple[Any, ...]:
    if isinstance(value, (Parameter, Buffer)):
        return value.shape, value.dtype, value.device
    if isinstance(value, Tensor):
        return value.shape, value.dtype, value.device, _digest(value)  # a constant, alike in all
    if isinstance(value, Tree):
        return ()  # it stands in the list itself
    return (type(value), value) if isinstance(value, _PLAIN) else (id(value),)


def _digest(tensor: Tensor) -> object:
    """Return what tells the numbers of a tensor from others."""
    if tensor.layout is not torch.strided:
        return id(tensor)
    numbers = tensor.resolve_conj().resolve_neg().cpu().contiguous().reshape(-1).view(torch.uint8)
    return blake2b(numbers.numpy().tobytes()).digest()


def attributes(model: Module, loss: Loss) -> list[tuple[str, Any]]:
    """Return what modules and loss hold, by name: numbers and texts themselves, of anything else which it is."""
    parts = parts_of(model, loss)
    return [(name, value if isinstance(value, _PLAIN) else id(value)) for part in parts for name, value in held(part)]


def parts_of(model: Module, loss: Loss) -> list[object]:
    """Return every module of a model, and the loss."""
    return [*(module for _, module in model.named_modules()), loss]


def refuse_changed(before: list[Any], after: list[Any]) -> None:
    """Raise :class:`NotRecordable` if a step changed what a recording takes for granted."""
    if after != before:
        raise NotRecordable("a component keeps numbers or tensors from one step to the next")


def _identity(value: object) -> tuple[Any, ...]:
    if not isinstance(value, Tensor):
        return (id(value),)
    here = id(value), value.data_ptr() if value.layout is torch.strided else None, value.shape
    return here if value.grad is None else (*here, *_identity(value.grad))
