"""What was compiled for one training, for every later one in the process that differs in its numbers only.

Functions of C know no addresses: they are called with a list of memories. Where two learners are alike, each memory of
the one has its place in the other, and what a step makes on its way may lie anywhere. What comes of that is verified
like anything recorded: no comparison of two learners sees everything that Python may hang on them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.several import mapped
from corenet.training.engines.chunks import Chunks
from corenet.training.engines.cpu.codegen import Draw, Function
from corenet.training.engines.cpu.step_loop import CompiledLoop
from corenet.training.engines.cpu.structure import memories_of, structure_of
from corenet.training.engines.recording.asked_checks import AskedCheck
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.recording.op_log import Operation, memory
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import recorded_state
from corenet.training.engines.recording.recorder import Key, key_of
from corenet.training.learner import Learner

Storage = torch.UntypedStorage
TEMPLATES = 64  # to keep, the latest
BYTES = 2**20  # of all memories of a step that is kept: of a larger one, compiling is a small part of a training


@dataclass(frozen=True)
class Template:
    """Verified chunks of a learner, its memories, and what its step reads."""

    chunks: Chunks
    loop: CompiledLoop
    memories: list[Storage]
    guards: Guards


class Templates:
    """The loops that were verified in this process, by the structure of learner and batch."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Template] = OrderedDict()

    def keep(self, chunks: Chunks, guards: Guards) -> None:
        """Keep a verified loop for later learners."""
        loop, learner = chunks.loop, chunks.learner
        if not isinstance(loop, CompiledLoop) or loop.nbytes() > BYTES:
            return
        key = structure_of(learner), key_of(loop.recorded.input, loop.recorded.target)
        self._kept[key] = Template(chunks, loop, memories_of(learner), guards)
        self._kept.move_to_end(key)
        if len(self._kept) > TEMPLATES:
            self._kept.popitem(last=False)

    def resume(self, learner: Learner, batch: Key) -> tuple[Chunks, Guards] | None:
        """Return the verified chunks of this very learner, if nothing that its steps read was changed since."""
        key = structure_of(learner), batch
        template = self._kept.get(key)
        if template is None or not template.chunks.learner.is_same(learner) or template.guards.changed() is not None:
            return None
        return template.chunks, template.guards

    def has(self, learner: Learner) -> bool:
        """Tell whether the loop of this very learner may be kept."""
        return any(template.chunks.learner.is_same(learner) for template in self._kept.values())

    def knows(self, learner: Learner, batch: Key) -> bool:
        """Tell whether a loop of a learner's structure is kept."""
        return (structure_of(learner), batch) in self._kept

    def recall(self, learner: Learner, batch: Key) -> tuple[CompiledLoop, Guards] | None:
        """Return the loop of a learner, unverified, if one of its structure is kept, and the guards of that one."""
        key = structure_of(learner), batch
        template = self._kept.get(key)
        if template is None:
            return None
        if template.guards.of_code().changed() is not None:  # such as a method that was replaced since
            del self._kept[key]
            return None
        return rebound(template, learner), template.guards

    def __len__(self) -> int:
        return len(self._kept)


def rebound(template: Template, learner: Learner) -> CompiledLoop:
    """Return the loop of a template over the memories of another learner of its structure."""
    loop = template.loop
    move = _Move(template, learner)
    update = replace(
        loop.update,
        numbers=move.tensor(loop.update.numbers),
        reads=Guards.of_update(learner.optimizer),
        state=recorded_state(learner.optimizer),
    )
    step = loop.recorded
    recorded = RecordedStep(
        input=mapped(move.tensor, step.input),
        target=mapped(move.tensor, step.target),
        prediction=mapped(move.tensor, step.prediction),
        value=move.tensor(step.value),
        calls=[move.call(call) for call in step.calls],
        made=move.made(),
        value_checks=move.checks(step.value_checks, template.chunks.learner, learner),
        recalled=True,
    )
    return CompiledLoop(recorded, update, move.function(loop.apply), learner.optimizer)


class _Move:
    """From the memories of a template's learner to those of another; what a step makes gets fresh ones."""

    def __init__(self, template: Template, learner: Learner) -> None:
        self._places = {
            own.data_ptr(): other for own, other in zip(template.memories, memories_of(learner), strict=True)
        }
        own_numbers = memory(template.loop.update.numbers)
        self._fresh = {*template.loop.recorded.made, own_numbers} - self._places.keys()

    def storage(self, storage: Storage) -> Storage:
        """Return the memory in the place of another; a constant, which is neither, stays."""
        own = storage.data_ptr()
        if own in self._fresh and own not in self._places:
            self._places[own] = Storage(storage.nbytes())
        return self._places.get(own, storage)

    def made(self) -> list[int]:
        """Return the addresses of the fresh memories."""
        return [self._places[own].data_ptr() for own in self._fresh if own in self._places]

    def tensor(self, tensor: Tensor) -> Tensor:
        """Return the same view of the new learner's storage."""
        storage = self.storage(tensor.untyped_storage())
        empty = torch.empty(0, dtype=tensor.dtype)
        return empty.set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride())

    def function(self, function: Function) -> Function:
        """Return a function over the other memories."""
        return function.rebound(self.storage)

    def call(self, call: object) -> Function | Draw:
        """Return a call over the other memories."""
        if isinstance(call, Function):
            return self.function(call)
        assert isinstance(call, Draw), "a loop has no other calls"
        return Draw(self._operation(call.operation))

    def checks(self, checks: Sequence[AskedCheck], own: Learner, other: Learner) -> list[AskedCheck]:
        """Return what the modules and losses at the same places check of the other memories."""
        modules: dict[int, Any] = {id(one): another for one, another in zip(own.parts(), other.parts(), strict=True)}
        return [
            AskedCheck(
                modules[id(each.module)],
                tuple(mapped(self._tensor_or_value, input) for input in each.inputs),
            )
            for each in checks
        ]

    def _tensor_or_value(self, value: Any) -> Any:
        return self.tensor(value) if isinstance(value, Tensor) else value

    def _operation(self, operation: Operation) -> Operation:
        arguments = tuple(self.tensor(each) if isinstance(each, Tensor) else each for each in operation.arguments)
        return replace(operation, arguments=arguments, result=self.tensor(operation.result))
