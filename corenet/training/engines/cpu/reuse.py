"""What was found out about one training, for another that differs in its numbers only.

A recording, and what was compiled of it, knows memories. Where two models are alike, each memory of the one has its
place in the other, and the same functions may work there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.training.engines.cpu.codegen import Draw, Function
from corenet.training.engines.cpu.step_loop import Loop
from corenet.training.engines.recording.guards import kind_of
from corenet.training.engines.recording.op_log import NotRecordable, memory
from corenet.training.engines.recording.recorded_step import Recording, moved_by
from corenet.training.engines.recording.recorded_update import rule_of, tensors_of
from corenet.training.engines.replay import Key

Parts = tuple[Module, Loss, Optimizer]
Places = dict[int, torch.UntypedStorage]


def places_in(other: Parts, one: Parts) -> Places:
    """Return for each memory of ``one`` training that of the ``other`` in its place.

    Raises:
        NotRecordable: they differ in more than their numbers, or in how those lie in memory.

    >>> import corenet as cn
    >>> def parts():
    ...     model = cn.Linear(2, 1)
    ...     return model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1)
    >>> one, other = parts(), parts()
    >>> places = places_in(other, one)
    >>> places[memory(one[0].weight)].data_ptr() == memory(other[0].weight)
    True
    """
    if _kind(one) != _kind(other):
        raise NotRecordable("they differ in more than their numbers")
    own, others = _tensors(one), _tensors(other)
    if list(map(_layout, own)) != list(map(_layout, others)):
        raise NotRecordable("their numbers lie otherwise in memory")
    pairs = list(zip(own, others, strict=True))
    together = {(memory(mine), memory(its)) for mine, its in pairs}
    if not len(together) == len({mine for mine, _ in together}) == len({its for _, its in together}):
        raise NotRecordable("their tensors share memory otherwise")
    return {memory(mine): its.untyped_storage() for mine, its in pairs}


def twins(
    recordings: Mapping[Key, Recording], loop: Loop | None, one: Parts, other: Parts
) -> tuple[dict[Key, Recording], Loop | None]:
    """Return what was found out about ``one`` training for the ``other``, still to be proven there.

    Raises:
        NotRecordable: they differ in more than their numbers, or not all of it is compiled.
    """
    places = places_in(other, one)
    proven = {key: each for key, each in recordings.items() if each.proven}
    found = {key: _elsewhere(each, places) for key, each in proven.items()}
    for key, each in proven.items():
        if loop is not None and loop.proven and loop.recording is each and loop.granted[0] == rule_of(other[2]):
            return found, loop.elsewhere(found[key], other[2], places)
    return found, None


def _elsewhere(recording: Recording, places: Places) -> Recording:
    """Return a recording over other memories."""
    if memory(recording.prediction) in places or memory(recording.value) in places:
        raise NotRecordable("what comes of a step is a tensor of the model")
    return replace(recording, calls=[_call(each, places) for each in recording.calls], proven=False)


def _call(call: object, places: Places) -> Draw | Function:
    if isinstance(call, Function):
        return call.elsewhere(places)
    if not isinstance(call, Draw):
        raise NotRecordable("a call of torch knows its tensors")
    return call


def _kind(parts: Parts) -> Sequence[object]:
    model, loss, optimizer = parts
    places = {id(parameter): place for place, parameter in enumerate(model.parameters())}
    return kind_of(model), kind_of(loss), [places.get(id(each)) for each in optimizer.parameters]


def _tensors(parts: Parts) -> list[Tensor]:
    model, loss, optimizer = parts
    return [*model.parameters(), *moved_by(model, loss), *tensors_of(optimizer)]


def _layout(tensor: Tensor) -> tuple[object, ...]:
    place = tensor.shape, tensor.stride(), tensor.storage_offset(), tensor.untyped_storage().nbytes()
    return tensor.dtype, tensor.is_neg(), *place
