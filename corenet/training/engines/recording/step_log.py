"""What a step of training did, operation by operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from corenet.contracts.penalties import collected, with_penalties
from corenet.contracts.several import Tensors, each_of, mapped
from corenet.contracts.value_checks import asked_by
from corenet.training.engines.recording.asked_checks import Asked, AskedCheck
from corenet.training.engines.recording.constants import made
from corenet.training.engines.recording.moving import moved_by
from corenet.training.engines.recording.op_log import Operation, OpLog, memory
from corenet.training.engines.recording.rng_state import python_rng_states
from corenet.training.engines.unsupported import NotRecordable
from corenet.training.finite import checked
from corenet.training.learner import Learner
from corenet.training.step import backward_parameters


@dataclass
class StepLog:
    """What the plain step did on a batch, operation by operation."""

    input: Tensors
    target: Tensors
    prediction: Tensors
    value: Tensor
    operations: list[Operation]
    value_checks: list[AskedCheck]

    def looked_at(self) -> list[Tensor]:
        """Return what modules looked at the numbers of, the batch itself aside."""
        own = set(map(memory, (*each_of(self.input), *each_of(self.target))))
        found = {id(each): each for check in self.value_checks for each in check.tensors() if memory(each) not in own}
        return list(found.values())

    def made(self) -> set[int]:
        """Return the memories of the tensors that came into being in the step, constants aside, and of its batch."""
        return made(self.operations) | set(map(memory, (*each_of(self.input), *each_of(self.target))))


def log_step(learner: Learner, input: Tensors, target: Tensors) -> tuple[Tensor, StepLog | NotRecordable]:
    """Compute the gradients on a batch as the plain step does, and return the loss, and how it was done.

    The code of model and loss runs once, as in any other step. Where that cannot be done again from a log, the
    second value says why.
    """
    model, loss, log = learner.model, learner.loss, OpLog()
    asked = Asked(log)
    own_input, own_target = mapped(Tensor.clone, input), mapped(Tensor.clone, target)
    learner.optimizer.zero_grad()
    drawn = python_rng_states()
    try:
        with log, asked_by(asked), collected() as penalties:
            prediction = model(*each_of(own_input))
        checked(loss, prediction, own_target)
        with log, asked_by(asked):
            value = with_penalties(loss.evaluate(prediction, own_target), penalties)
            backward_parameters(model, loss.backward())
    except BaseException:
        model.forget()
        raise
    if python_rng_states() != drawn:
        log.refuse("the step draws random numbers in Python or numpy", "draw them by torch.rand and its like")
    try:
        operations = log.checked()
        own = [*each_of(own_input), *each_of(own_target)]
        refuse_foreign_writes(operations, own, [*learner.parameters(), *moved_by(learner)])
    except NotRecordable as refusal:
        _leave_as(own_input, input)
        _leave_as(own_target, target)
        return value, refusal
    return value.clone(), StepLog(own_input, own_target, prediction, value, operations, asked.checks)


def _leave_as(own: Tensors, given: Tensors) -> None:
    """Let a batch be what the plain step leaves, where that writes into it."""
    for mine, theirs in zip(each_of(own), each_of(given), strict=True):
        if not torch.equal(mine, theirs):
            theirs.copy_(mine)


def refuse_foreign_writes(operations: Sequence[Operation], own: Sequence[Tensor], existing: Sequence[Tensor]) -> None:
    """Refuse what writes into the batch, or into a tensor that no operation made and nobody holds.

    Raises:
        NotRecordable: something does; a replay would find the number that the last one left there.
    """
    batch, known = set(map(memory, own)), set(map(memory, existing))
    for each in operations:
        written = set(map(memory, each.results())) if each.writes else set()
        if written & batch:
            raise NotRecordable(f"the step changes its batch in place ({each.name})", "change a clone of it")
        if not written <= known:
            text = f"the step writes into a tensor that was made in Python ({each.name})"
            raise NotRecordable(text, "make it by torch.zeros or another operation, or clone it first")
        if not each.is_view:
            known |= set(map(memory, each.results()))
