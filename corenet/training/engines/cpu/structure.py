"""What two learners have in common that differ in the numbers of their tensors only."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.parameter import Buffer, Parameter
from corenet.contracts.tree import Tree
from corenet.training.engines.optimizer_adapter import tensors_of
from corenet.training.engines.recording.moving import held_by, moved_by
from corenet.training.engines.recording.op_log import memory
from corenet.training.engines.recording.recorded_update import rule_of
from corenet.training.engines.recording.watches import PLAIN
from corenet.training.learner import Learner


def structure_of(learner: Learner) -> Hashable:
    """Return the kinds and settings of all parts of a learner, and how its numbers lie in memory.

    >>> import corenet as cn
    >>> def learner(width):
    ...     model = cn.Linear(2, width)
    ...     return Learner(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1))
    >>> structure_of(learner(1)) == structure_of(learner(1)), structure_of(learner(1)) == structure_of(learner(3))
    (True, False)
    """
    held, parameters = held_by(learner), learner.parameters()
    tensors = [*parameters, *held.moved(), *tensors_of(learner.optimizer)]
    places = {id(parameter): place for place, parameter in enumerate(parameters)}
    first: dict[int, int] = {}
    shared = tuple(first.setdefault(memory(tensor), place) for place, tensor in enumerate(tensors))
    return (
        tuple((path, type(part), _described(own)) for path, part, own in held.parts),
        tuple(rule_of(learner.optimizer)),
        tuple(places.get(id(each)) for each in learner.optimizer.parameters),
        tuple(map(_layout, tensors)),
        shared,
    )


def memories_of(learner: Learner) -> list[torch.UntypedStorage]:
    """Return the memories of a learner's tensors, in an order fixed by its structure."""
    tensors = [*learner.parameters(), *moved_by(learner), *tensors_of(learner.optimizer)]
    return [tensor.untyped_storage() for tensor in tensors]


def _described(own: Iterable[tuple[str, object]]) -> Hashable:
    return tuple((name, *_value(value)) for name, value in own)


def _value(value: object) -> tuple[Any, ...]:
    if isinstance(value, Tensor):
        kind = value.shape, value.dtype, value.device
        return kind if isinstance(value, (Parameter, Buffer)) else (*kind, _digest(value))  # a constant, alike in all
    if isinstance(value, Tree):
        return ()  # it stands in the list itself
    return (type(value), value) if isinstance(value, PLAIN) else (id(value),)


def _digest(tensor: Tensor) -> object:
    """Return what tells the numbers of a tensor from others."""
    if tensor.layout is not torch.strided:
        return id(tensor)
    numbers = tensor.resolve_conj().resolve_neg().cpu().contiguous().reshape(-1).view(torch.uint8)
    return blake2b(numbers.numpy().tobytes()).digest()


def _layout(tensor: Tensor) -> Hashable:
    place = tensor.shape, tensor.stride(), tensor.storage_offset(), tensor.untyped_storage().nbytes()
    return tensor.dtype, tensor.is_neg(), *place
