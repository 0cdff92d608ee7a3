"""What is measured of a model's outputs after an epoch, as a log of operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.evaluating import evaluating
from corenet.contracts.module import Module
from corenet.contracts.value_checks import asked_by
from corenet.errors import NonFiniteError
from corenet.training.engines.engine import Evaluation
from corenet.training.engines.recording.asked_checks import Asked
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.recording.op_log import Operation, OpLog, memory
from corenet.training.engines.recording.restore import restored
from corenet.training.engines.recording.step_log import refuse_foreign_writes
from corenet.training.engines.unsupported import NotRecordable


@dataclass
class EvaluationLog:
    """What an evaluation did, and the tensors that came of it."""

    given: Sequence[tuple[Tensor, int]]  # the data, and where they lie
    outputs: Sequence[Tensor]
    numbers: Sequence[Tensor]
    operations: Sequence[Operation]
    compiled: Any = None  # the function of C that does them, once there is one
    recalled: bool = False  # done for another learner, and put into the memories of this one

    def is_current(self, evaluation: Evaluation) -> bool:
        """Tell whether the data are still those that were measured on."""
        return all(
            one is own and memory(one) == place
            for one, (own, place) in zip(evaluation.given(), self.given, strict=True)
        )


def log_evaluation(
    evaluation: Evaluation, model: Module, guards: Guards
) -> tuple[Sequence[Tensor], EvaluationLog | NotRecordable]:
    """Measure as the plain evaluation does, and return the numbers, and how it was done.

    The code of model and loss runs once, as in any other evaluation. Where that cannot be done again from a log, the
    second value says why.
    """
    log = OpLog()
    asked = Asked(log)
    with evaluating(model), restored(()):
        with log, asked_by(asked):
            outputs = evaluation.outputs(model)
        if any(isinstance(output, tuple) for output in outputs):
            return evaluation.numbers(model), NotRecordable("the model has several outputs")
        try:
            evaluation.check([output.unsqueeze(0) for output in outputs])
        except NonFiniteError:
            return evaluation.numbers(model), NotRecordable("the model's output is not finite")
        with log:
            numbers = evaluation.measure(outputs)
    if not all(check.reads_only(set(map(memory, evaluation.given()))) for check in asked.checks):
        log.refuse("a module checks numbers that another one computes")
    try:
        guards.refuse_changed("the evaluation", "let forward change nothing in evaluation mode")
        operations = log.checked()
        refuse_foreign_writes(operations, evaluation.given(), [])
        refuse_draws(operations)
    except NotRecordable as refusal:
        return numbers, refusal
    given = [(each, memory(each)) for each in evaluation.given()]
    return [number.clone() for number in numbers], EvaluationLog(given, outputs, numbers, operations)


def refuse_draws(operations: Sequence[Operation]) -> None:
    """Raise :class:`NotRecordable` if something is drawn at random: the evaluation puts the generator back."""
    if any(torch.Tag.nondeterministic_seeded in each.function.tags for each in operations):
        raise NotRecordable("the evaluation draws random numbers")
