"""What was made for one learner, over the memories of another that is like it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.several import mapped
from corenet.training.engines.cpu.codegen import Draw, Function
from corenet.training.engines.cpu.structure import memories_of
from corenet.training.engines.recording.asked_checks import AskedCheck
from corenet.training.engines.recording.evaluation_log import EvaluationLog
from corenet.training.engines.recording.op_log import Operation
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.learner import Learner

Storage = torch.UntypedStorage


class Relocation:
    """From the memories of one learner to those of another; what a step makes, in ``made``, gets fresh ones."""

    def __init__(self, own: Sequence[Storage], learner: Learner, made: Collection[int]) -> None:
        self._places = {each.data_ptr(): other for each, other in zip(own, memories_of(learner), strict=True)}
        self._fresh = {*made} - self._places.keys()

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

    def step(self, recorded: RecordedStep, own: Learner, other: Learner) -> RecordedStep:
        """Return a recorded step over the other memories, still to be verified."""
        return RecordedStep(
            input=mapped(self.tensor, recorded.input),
            target=mapped(self.tensor, recorded.target),
            prediction=mapped(self.tensor, recorded.prediction),
            value=self.tensor(recorded.value),
            calls=[self.call(call) for call in recorded.calls],
            made=self.made(),
            value_checks=self.checks(recorded.value_checks, own, other),
            recalled=True,
        )

    def evaluation(self, log: EvaluationLog) -> EvaluationLog:
        """Return a compiled evaluation on the same data over the other memories, still to be verified."""
        outputs, numbers = ([self.tensor(each) for each in own] for own in (log.outputs, log.numbers))
        return EvaluationLog(log.given, outputs, numbers, [], self.function(log.compiled), recalled=True)

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
