"""The recorded steps of a learner: when to record, when to believe, when to stop trying."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from corenet.contracts.parameter import gradient
from corenet.contracts.several import Tensors, each_of, rows
from corenet.errors import EngineWarning
from corenet.training.engines.engine import Running
from corenet.training.engines.optimizer_adapter import has_own_step, trained
from corenet.training.engines.recording.guards import Guards
from corenet.training.engines.recording.lowering import Call
from corenet.training.engines.recording.moving import moved_by
from corenet.training.engines.recording.op_log import Operation
from corenet.training.engines.recording.recorded_step import RecordedStep, sums
from corenet.training.engines.recording.restore import interrupts_deferred, restored
from corenet.training.engines.recording.step_log import StepLog, log_step
from corenet.training.engines.unsupported import NotRecordable, Reporter, Unsupported
from corenet.training.learner import Learner

SHAPES = 32  # of batches to record: what always changes earns nothing back
CHANGES = 8  # of what a step reads, each before its recording has earned anything
EARNED = 100  # steps by which a recording has earned what it cost
UNSETTLED = 3  # steps that may change what they read, such as what a module makes when it is first called
Key = tuple[tuple[torch.Size, torch.dtype], ...]
IN_A_BUFFER = "keep a number that changes in a Buffer, written in place"
Recall = Callable[[Key], tuple[RecordedStep, Guards] | None]


class Lowering(Protocol):
    """Turns the log of a step into calls."""

    @property
    def running(self) -> Running:
        """The name of what the calls are."""
        ...

    def __call__(
        self, operations: Sequence[Operation], gradients: Sequence[Tensor], kept: Sequence[Tensor]
    ) -> Sequence[Call]:
        """Return calls that do ``operations`` again after setting ``gradients`` to zero; ``kept`` is read afterwards.

        Raises:
            Unsupported: it cannot.
        """
        ...

    def improved(self) -> bool:
        """Tell, once, that calls of now would be quicker than those that were returned before."""
        ...


def key_of(input: Tensors, target: Tensors) -> Key:
    """Return what batches have in common that one recording can take."""
    return tuple([(each.shape, each.dtype) for each in (*each_of(input), *each_of(target))])


def first_batch(inputs: Tensors, targets: Tensors, size: int) -> Key:
    """Return the key of the first ``size`` points."""
    return key_of(rows(inputs, slice(size)), rows(targets, slice(size)))


class Recorder:
    """Records, verifies and replays the gradients of a learner, by the first of ``lowerings`` that can."""

    def __init__(
        self, learner: Learner, lowerings: Sequence[Lowering], reporter: Reporter, recall: Recall = lambda key: None
    ) -> None:
        self.learner, self.reporter, self._recall = learner, reporter, recall
        self.lowering, *self._slower = lowerings
        self.refusal: NotRecordable | None = None
        self.steps: dict[Key, RecordedStep] = {}
        self.guards: Guards | None = None
        self._changes = self._replays = self._unsettled = 0
        self._rule: Guards | None = None
        if has_own_step(learner.optimizer):
            name = type(learner.optimizer).__name__
            self.refuse(NotRecordable(f"{name} overrides step()", "write its rule as update(param, grad, state)"))

    @property
    def running(self) -> Running:
        """The name of what computes the gradients."""
        return "plain" if self.refusal else self.lowering.running

    def refresh(self) -> None:
        """Forget what was recorded if anything that a step reads was changed."""
        if self._rule is not None and not self._rule.may_set and self._rule.changed() is not None:
            self._rule = Guards.of_rule(self.learner.optimizer)
        changed = self.guards.changed() if self.guards is not None else None
        if changed is not None:
            self._changes = self._changes + 1 if self._replays < EARNED else 0
            self.forget()
            if self._changes >= CHANGES:
                self.refuse(NotRecordable(f"{changed} changes too often", f"change it once in {EARNED} steps at most"))

    def before_step(self) -> None:
        """Look for changes if the optimizer's rule, which is run between two steps, may make some."""
        if self._rule is not None and self._rule.may_set:
            self.refresh()

    def after_step(self) -> None:
        """Do without a recording that is new if the whole step, the optimizer's included, changed what it reads."""
        if self.guards is not None and not all(recorded.verified for recorded in self.steps.values()):
            self._is_unsettled(self.guards)

    def _is_unsettled(self, guards: Guards) -> bool:
        """Tell whether the step has changed what it reads: then a later one is recorded, unless enough were tried."""
        try:
            guards.refuse_changed("the step", IN_A_BUFFER)
        except NotRecordable as refusal:
            self._unsettled += 1
            if self._unsettled >= UNSETTLED:
                self.refuse(refusal)
            else:
                self.forget()
            return True
        return False

    def forget(self) -> None:
        """Drop what was recorded; it is recorded anew."""
        self.steps, self.guards, self._replays = {}, None, 0

    def refuse(self, refusal: NotRecordable) -> None:
        """Use plain steps from now on, and say why."""
        self.forget()
        self.refusal = refusal
        self.reporter.fallback(f"engine 'plain' runs, not {self.lowering.running!r}", refusal)

    def gradients(self, input: Tensors, target: Tensors) -> Tensor:
        """Compute the gradients on a batch, in the quickest way that is known to be right, and return the loss."""
        if self.lowering.improved():
            self.forget()
        recorded = self.steps.get(key_of(input, target))
        if self.refusal is not None or (recorded is None and len(self.steps) >= SHAPES):
            return self.learner.gradients(input, target)
        if recorded is None:
            recorded = self._recalled(key_of(input, target))
        if recorded is None:
            with interrupts_deferred():
                return self._record(input, target)
        if not recorded.verified:
            with interrupts_deferred():
                return self._verify(recorded, input, target)
        self._replays += 1
        try:
            return recorded.checked_replay(self.learner.loss, input, target)
        except IndexError:  # the plain step says which index it was
            return self.learner.gradients(input, target)

    def _recalled(self, key: Key) -> RecordedStep | None:
        """Return a cached recording of a learner of the same structure, still to be verified, or None."""
        with restored(moved_by(self.learner)):  # some calls are tried when they are made
            recalled = self._recall(key)
        if recalled is None:
            return None
        recorded, guards = recalled
        self.adopt(key, recorded, self.guards or guards.of_like(self.learner.model, self.learner.loss))
        return recorded

    def adopt(self, key: Key, recorded: RecordedStep, guards: Guards) -> None:
        """Take over a recorded step, and what guards it."""
        self.steps[key], self.guards = recorded, guards
        self._rule = self._rule or Guards.of_rule(self.learner.optimizer)

    def _record(self, input: Tensors, target: Tensors) -> Tensor:
        guards = self.guards or Guards.of_step(self.learner.model, self.learner.loss)
        value, log = log_step(self.learner, input, target)
        if isinstance(log, NotRecordable):
            self.refuse(log)
            return value
        try:
            guards.refuse_unseen()
            Guards.of_check(self.learner.loss).refuse_setting("the check of the loss")
            if self._is_unsettled(guards):
                return value
            self.adopt(key_of(input, target), self._recorded(log), guards)
        except NotRecordable as refusal:
            self.refuse(refusal)
        except EngineWarning:  # its user wants it to be an error
            raise
        except Exception as error:  # noqa: BLE001 - the reporter raises it where bugs are looked for
            self.reporter.bug("engine 'plain' runs", error)
            self.refuse(NotRecordable("corenet failed to record the step"))
        return value

    def _recorded(self, log: StepLog) -> RecordedStep:
        gradients = list(map(gradient, trained(self.learner.optimizer)))
        kept = [*each_of(log.prediction), log.value, *log.looked_at()]
        with restored(moved_by(self.learner)):  # some calls are tried when they are made
            calls = self._lowered(log.operations, gradients, kept)
        return RecordedStep(
            log.input,
            log.target,
            log.prediction,
            log.value,
            calls,
            log.made(),
            sums(self.learner),
            value_checks=log.value_checks,
        )

    def _lowered(
        self, operations: Sequence[Operation], gradients: Sequence[Tensor], kept: Sequence[Tensor]
    ) -> Sequence[Call]:
        try:
            return self.lowering(operations, gradients, kept)
        except Exception as reason:
            if not self._slower:
                raise
            self._use_slower(reason)
            return self._lowered(operations, gradients, kept)

    def _use_slower(self, reason: Exception) -> None:
        what = f"engine {self._slower[0].running!r} runs, not {self.lowering.running!r}"
        self.lowering, *self._slower = self._slower
        if isinstance(reason, Unsupported):
            self.reporter.fallback(what, reason)
        else:
            self.reporter.bug(what, reason)

    def _verify(self, recorded: RecordedStep, input: Tensors, target: Tensors) -> Tensor:
        value = recorded.verify(self.learner, input, target)
        if recorded.refuted and recorded.recalled:
            self.forget()
        elif recorded.refuted:
            self.refuse(NotRecordable("the recorded step gave another gradient than the plain step"))
        return value
