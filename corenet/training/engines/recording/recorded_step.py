"""The gradients of batches of one shape, recorded in a real step and verified in later ones."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise

import numpy
import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.parameter import Buffer, Parameter, gradient
from corenet.contracts.tree import members
from corenet.training.engines.recording.agreement import agree
from corenet.training.engines.recording.lowering import Call
from corenet.training.engines.recording.op_log import Operation, OpLog, memory
from corenet.training.engines.recording.restore import restored
from corenet.training.engines.recording.sensitivity import sensitivity
from corenet.training.engines.unsupported import NotRecordable
from corenet.training.finite import checked
from corenet.training.learner import Learner

AGREEMENTS = 2  # batches on which calls must agree with the plain step, with other weights than they were recorded with
ATTEMPTS = 4  # rounding turns a rectifier of a wide network the other way now and then


@dataclass
class StepLog:
    """What the plain step did on a batch, operation by operation."""

    input: Tensor
    target: Tensor
    prediction: Tensor
    value: Tensor
    operations: list[Operation]

    def made(self) -> set[int]:
        """Return the memories of the tensors that came into being in the step, and of its batch."""
        results = (each.results() for each in self.operations if not (each.is_view or each.writes))
        return {memory(each) for each in (self.input, self.target, *chain.from_iterable(results))}


def log_step(learner: Learner, input: Tensor, target: Tensor) -> tuple[Tensor, StepLog | NotRecordable]:
    """Compute the gradients on a batch as the plain step does, and return the loss, and how it was done.

    The code of model and loss runs once, as in any other step. Where that cannot be done again from a log, the
    second value says why.
    """
    model, loss, log = learner.model, learner.loss, OpLog()
    own_input, own_target = input.clone(), target.clone()
    learner.optimizer.zero_grad()
    drawn = _drawn_in_python()
    try:
        with log:
            prediction = model(own_input)
        checked(loss, prediction, own_target)
        with log:
            value = loss.evaluate(prediction, own_target)
            model.backward_parameters(loss.backward())
    except BaseException:
        model.forget()
        raise
    if _drawn_in_python() != drawn:
        log.refuse("the step draws random numbers in Python or numpy", "draw them by torch.rand and its like")
    try:
        operations = log.checked()
        refuse_foreign_writes(operations, own_input, own_target, [*model.parameters(), *moved_by(learner)])
    except NotRecordable as refusal:
        _leave_as(own_input, input)
        _leave_as(own_target, target)
        return value, refusal
    return value.clone(), StepLog(own_input, own_target, prediction, value, operations)


def _leave_as(own: Tensor, given: Tensor) -> None:
    """Let a batch be what the plain step leaves, where that writes into it."""
    if not torch.equal(own, given):
        given.copy_(own)


@dataclass
class RecordedStep:
    """Calls that compute the gradients on a batch: its own input and target, what comes of them, and the calls."""

    input: Tensor
    target: Tensor
    prediction: Tensor
    value: Tensor
    calls: Sequence[Call]
    made: Collection[int]  # the memories of tensors that it makes on the way, its own batch among them
    recorded_with: list[float] = field(default_factory=list)  # what tells the weights of then from others
    recalled: bool = False  # made for another learner, and put into the memories of this one
    agreements: int = 0
    attempts: int = 0

    @property
    def verified(self) -> bool:
        """Whether it gave other batches, with other weights, the gradients that the plain step gave them."""
        return self.agreements >= AGREEMENTS

    @property
    def refuted(self) -> bool:
        """Whether it was tried as often as may be, and is not verified."""
        return not self.verified and self.attempts >= ATTEMPTS

    def replay(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the gradients on a batch and return its loss, which the next replay overwrites."""
        self.input.copy_(input)
        self.target.copy_(target)
        for call in self.calls:
            call()
        return self.value

    def checked_replay(self, loss: Loss, input: Tensor, target: Tensor) -> Tensor:
        """Replay a batch and let the loss check the output."""
        value = self.replay(input, target)
        checked(loss, self.prediction, target)
        return value

    def verify(self, learner: Learner, input: Tensor, target: Tensor) -> Tensor:
        """Do the plain step's gradients on a batch, compare a replay with them, and return the loss."""
        found = self._tried(learner, input, target)
        carried = self._carried(learner, input, target) if self.attempts > self.agreements else [None] * len(found)
        value = learner.gradients(input, target)
        if sums(learner) != self.recorded_with:  # with the very weights, a number taken from them would not show
            self.attempts += 1
            self.agreements += all(map(agree, found, results(learner, value), [None] * len(found), carried))
        return value

    def _carried(self, learner: Learner, input: Tensor, target: Tensor) -> Sequence[Sequence[float] | None]:
        """Return what a rounding of weights and input makes of each result, once a plain step came to another."""
        own = input.clone()
        found = self._tried(learner, own, target)
        far = sensitivity(
            lambda: list(chain.from_iterable(self._tried(learner, own, target))),
            [own, *learner.optimizer.layout.weights()],
        )
        ends = [0, *accumulate(map(len, found))]
        return [far[start:end] for start, end in pairwise(ends)]

    def _tried(self, learner: Learner, input: Tensor, target: Tensor) -> list[list[Tensor]]:
        """Return copies of what a replay comes to, and leave everything as it was."""
        with restored(moved_by(learner)):
            try:
                value = self.replay(input, target)
            except (RuntimeError, IndexError):  # of a kernel: the plain step meets it too, and says it better
                return [[]] * 3
            return [[each.clone() for each in group] for group in results(learner, value)]

    def takes(self, inputs: Tensor, targets: Tensor) -> bool:
        """Tell whether data lie as the batches do that were recorded."""
        pairs = [(inputs, self.input), (targets, self.target)]
        return all(
            data.dtype == own.dtype and data.device == own.device and data.is_contiguous() for data, own in pairs
        )


def results(learner: Learner, value: Tensor) -> list[list[Tensor]]:
    """Return what a step computes: the loss, the gradients, the buffers."""
    parameters = learner.optimizer.parameters
    return [[value], list(map(gradient, parameters)), buffers(learner)]


def sums(learner: Learner) -> list[float]:
    """Return a checksum of the weights."""
    return [weights.double().sum().item() for weights in learner.optimizer.layout.weights()]


def refuse_foreign_writes(
    operations: Sequence[Operation], input: Tensor, target: Tensor, existing: Sequence[Tensor]
) -> None:
    """Refuse what writes into the batch, or into a tensor that no operation made and nobody holds.

    Raises:
        NotRecordable: something does; a replay would find the number that the last one left there.
    """
    batch, known = {memory(input), memory(target)}, set(map(memory, existing))
    for each in operations:
        written = set(map(memory, each.results())) if each.writes else set()
        if written & batch:
            raise NotRecordable(f"the step changes its batch in place ({each.name})", "change a clone of it")
        if not written <= known:
            text = f"the step writes into a tensor that was made in Python ({each.name})"
            raise NotRecordable(text, "make it by torch.zeros or another operation, or clone it first")
        if not each.is_view:
            known |= set(map(memory, each.results()))


def moved_by(learner: Learner) -> list[Tensor]:
    """Return the tensors that a step may change: gradients, buffers, and whatever else model and loss hold."""
    parts = [*(module for _, module in learner.model.named_modules()), learner.loss]
    own = [value for part in parts for _, value in members(part) if isinstance(value, Tensor)]
    return [gradient(each) if isinstance(each, Parameter) else each for each in own]


def buffers(learner: Learner) -> list[Tensor]:
    """Return the buffers of the model."""
    return [tensor for _, tensor in learner.model.named_tensors() if isinstance(tensor, Buffer)]


def _drawn_in_python() -> str:
    """Return where the generators of Python and numpy stand."""
    return repr((random.getstate(), numpy.random.get_state(legacy=False)))
