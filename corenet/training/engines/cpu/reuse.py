"""What was compiled for one training, for every later one in the process that differs in its numbers only.

Functions of C know no addresses: they are called with a list of memories. Where two learners are alike, each memory of
the one has its place in the other, and what a step makes on its way may lie anywhere. What comes of that is verified
like anything recorded: no comparison of two learners sees everything that Python may hang on them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import torch
from torch import Tensor

from corenet.training.engines.chunks import Chunks
from corenet.training.engines.cpu.codegen import Draw, Function
from corenet.training.engines.cpu.relocation import Relocation
from corenet.training.engines.cpu.step_loop import CompiledLoop
from corenet.training.engines.cpu.structure import memories_of, structure_of
from corenet.training.engines.recording.constants import made
from corenet.training.engines.recording.evaluation_log import EvaluationLog
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.recording.op_log import memory
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import recorded_state
from corenet.training.engines.recording.recorder import Key, key_of
from corenet.training.learner import Learner

TEMPLATES = 64  # to keep, the latest
EVALUATIONS = 16  # to keep, the latest
BYTES = 2**25  # of the memories of all steps that are kept
EVALUATION_BYTES = 2**22  # of all memories of an evaluation, which is on whole data sets


@dataclass(frozen=True)
class StepTemplate:
    """A verified step of a learner, its memories, and what the step reads."""

    recorded: RecordedStep
    learner: Learner
    memories: list[torch.UntypedStorage]
    guards: Guards

    @classmethod
    def of(cls, recorded: RecordedStep, learner: Learner, guards: Guards) -> StepTemplate:
        """Return the template of a step, with the memories that its learner has now."""
        return cls(recorded, learner, memories_of(learner), guards)

    @property
    def nbytes(self) -> int:
        """The size of all memories that its functions work on."""
        memories = {each.data_ptr(): each for call in self.recorded.calls for each in getattr(call, "storages", ())}
        return sum(each.nbytes() for each in memories.values())

    @property
    def is_current(self) -> bool:
        """Whether its code is the same, such as methods, which may have been replaced since."""
        return self.guards.of_code().changed() is None

    def moved(self, learner: Learner, more: Collection[int] = ()) -> tuple[RecordedStep, Relocation]:
        """Return the step over the memories of another learner, and how the rest gets there; ``more`` is made too."""
        move = Relocation(self.memories, learner, {*self.recorded.made, *more})
        return move.step(self.recorded, self.learner, learner), move


@dataclass(frozen=True)
class Template:
    """Verified chunks of a learner, and the step of their loop."""

    chunks: Chunks
    loop: CompiledLoop
    step: StepTemplate

    @property
    def nbytes(self) -> int:
        """The size of all memories that its loop works on."""
        return self.loop.nbytes()


@dataclass(frozen=True)
class EvaluationTemplate:
    """A verified evaluation on certain data, what it makes, the memories of its learner, and what it reads."""

    log: EvaluationLog
    made: set[int]
    memories: list[torch.UntypedStorage]
    guards: Guards


class Templates:
    """The loops that were verified in this process, by the structure of learner and batch."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Template] = OrderedDict()
        self._rests: OrderedDict[Hashable, StepTemplate] = OrderedDict()
        self._evaluations: OrderedDict[Hashable, EvaluationTemplate] = OrderedDict()
        self._steps: OrderedDict[Hashable, float] = OrderedDict()  # of learners that have no loop

    def keep(self, chunks: Chunks, guards: Guards) -> None:
        """Keep a verified loop for later learners."""
        loop, learner = chunks.loop, chunks.learner
        if not isinstance(loop, CompiledLoop):
            return
        key = structure_of(learner), key_of(loop.recorded.input, loop.recorded.target)
        _keep(self._kept, key, Template(chunks, loop, StepTemplate.of(loop.recorded, learner, guards)))

    def keep_rest(self, recorded: RecordedStep, learner: Learner, guards: Guards) -> None:
        """Keep a verified step on what remains of an epoch."""
        if all(isinstance(call, (Function, Draw)) for call in recorded.calls):
            key = structure_of(learner), key_of(recorded.input, recorded.target)
            _keep(self._rests, key, StepTemplate.of(recorded, learner, guards))

    def resume(self, learner: Learner, batch: Key) -> tuple[Chunks, Guards] | None:
        """Return the verified chunks of this very learner, if nothing that its steps read was changed since."""
        if not self.has(learner):
            return None
        template = self._kept.get((structure_of(learner), batch))
        if (
            template is None
            or not template.chunks.learner.is_same(learner)
            or template.step.guards.changed() is not None
        ):
            return None
        return template.chunks, template.step.guards

    def has(self, learner: Learner) -> bool:
        """Tell whether the loop of this very learner may be kept."""
        return any(template.chunks.learner.is_same(learner) for template in self._kept.values())

    def knows(self, learner: Learner, batch: Key) -> bool:
        """Tell whether a loop of a learner's structure is kept."""
        return (structure_of(learner), batch) in self._kept

    def steps_of(self, learner: Learner, batch: Key, more: float) -> float:
        """Count ``more`` steps of learners of this structure, and return how many there are; inf if a loop is kept."""
        key = structure_of(learner), batch
        if key in self._kept:
            return inf
        _put(self._steps, key, self._steps.get(key, 0.0) + more, TEMPLATES)
        return self._steps[key]

    def recall(self, learner: Learner, batch: Key) -> tuple[CompiledLoop, Guards] | None:
        """Return the loop of a learner, unverified, if one of its structure is kept, and the guards of that one."""
        key = structure_of(learner), batch
        template = self._kept.get(key)
        if template is None:
            return None
        if not template.step.is_current:
            del self._kept[key]
            return None
        return rebound(template, learner), template.step.guards

    def recall_rest(self, learner: Learner, batch: Key) -> tuple[RecordedStep, Guards] | None:
        """Return the step on what remains of an epoch, unverified, if one is kept, and the guards of that one."""
        key = structure_of(learner), batch
        template = self._rests.get(key)
        if template is None:
            return None
        if not template.is_current:
            del self._rests[key]
            return None
        return template.moved(learner)[0], template.guards

    def keep_evaluation(self, log: EvaluationLog, learner: Learner, guards: Guards) -> None:
        """Keep what is measured on certain data, which is verified."""
        is_small = log.compiled is not None and sum(each.nbytes() for each in log.compiled.storages) <= EVALUATION_BYTES
        if is_small and not log.recalled:
            template = EvaluationTemplate(log, made(log.operations), memories_of(learner), guards)
            _put(self._evaluations, _key_on(learner, [each for each, _ in log.given]), template, EVALUATIONS)

    def recall_evaluation(self, learner: Learner, given: Sequence[Tensor]) -> EvaluationLog | None:
        """Return what is measured on these very data of a learner, unverified, if it is kept."""
        template = self._evaluations.pop(key := _key_on(learner, given), None)
        if template is None or template.guards.of_code().changed() is not None:
            return None
        self._evaluations[key] = template
        return Relocation(template.memories, learner, template.made).evaluation(template.log)

    def forget_evaluation(self, learner: Learner, given: Sequence[Tensor]) -> None:
        """Drop what was not right for a learner of this structure."""
        self._evaluations.pop(_key_on(learner, given), None)

    def __len__(self) -> int:
        return len(self._kept)


def _key_on(learner: Learner, given: Sequence[Tensor]) -> Hashable:
    """Return what tells a structure and unchanged data from others; the template holds the data, so no other is it."""
    return structure_of(learner), tuple((id(each), memory(each), each._version) for each in given)


def _put(kept: OrderedDict[Hashable, Any], key: Hashable, value: object, most: int) -> None:
    """Keep something as the latest, and drop the oldest of more than ``most``."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)


def _keep(kept: OrderedDict[Hashable, Any], key: Hashable, template: Template | StepTemplate) -> None:
    """Keep a template as the latest, and drop the oldest that there is no room for beside it."""
    if template.nbytes <= BYTES:
        _put(kept, key, template, TEMPLATES)
        while sum(each.nbytes for each in kept.values()) > BYTES:
            kept.popitem(last=False)


def rebound(template: Template, learner: Learner) -> CompiledLoop:
    """Return the loop of a template over the memories of another learner of its structure."""
    update = template.loop.update
    recorded, move = template.step.moved(learner, [memory(update.numbers)])
    moved = replace(
        update,
        numbers=move.tensor(update.numbers),
        reads=update.reads.of_like_update(learner.optimizer),
        state=recorded_state(learner.optimizer),
    )
    return CompiledLoop(recorded, moved, move.function(template.loop.apply), learner.optimizer)
