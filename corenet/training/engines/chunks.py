"""Many steps in one call: verified against plain steps first, undone and done plainly where anything goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from corenet.contracts.parameter import gradient
from corenet.training.engines.optimizer_adapter import learning_rates, tensors_of
from corenet.training.engines.plain import Plain
from corenet.training.engines.recording.agreement import agree
from corenet.training.engines.recording.checks import check_all
from corenet.training.engines.recording.recorded_step import RecordedStep, moved_by
from corenet.training.engines.recording.recorded_update import RecordedUpdate
from corenet.training.engines.recording.restore import interrupts_deferred
from corenet.training.engines.recording.rng_state import rng_checkpoint
from corenet.training.engines.recording.sensitivity import sensitivity
from corenet.training.finite import are_finite
from corenet.training.learner import Learner

SECONDS = 2.0  # that a call should last at most: between two a training can be interrupted
VERIFIED_BY = 2  # steps, or the only one of an epoch
ATTEMPTS = 3  # rounding turns a rectifier of a wide network the other way now and then


class StepLoop(Protocol):
    """A recorded step and a recorded update in turn, ``max_steps`` times at most in one call."""

    recorded: RecordedStep
    update: RecordedUpdate
    max_steps: int

    def run(
        self, inputs: Tensor, targets: Tensor, rates: Sequence[float], steps_per_epoch: int
    ) -> tuple[int, Tensor, Tensor]:
        """Do a step for each rate; return how many went well, the outputs, and the losses, until the next run.

        The weights must be finite whenever ``steps_per_epoch`` more are done.
        """
        ...


class Chunks:
    """Steps of a learner by a loop, as many as one call takes."""

    def __init__(self, learner: Learner, loop: StepLoop) -> None:
        self.learner, self.loop, self.verified = learner, loop, False
        self.failure: Exception | None = None
        self._attempts = 0
        self._plain = Plain(learner)
        in_flat_tensors = {id(gradient(each)) for each in learner.optimizer.parameters}
        others = [each for each in moved_by(learner) if id(each) not in in_flat_tensors]
        self._moving = [*tensors_of(learner.optimizer), *others]
        self._before = [torch.empty_like(each) for each in self._moving]  # fresh memory costs more than a copy

    @property
    def refuted(self) -> bool:
        """Whether it failed, or was tried as often as may be, and is not verified."""
        return self.failure is not None or (not self.verified and self._attempts >= ATTEMPTS)

    @property
    def max_steps(self) -> int:
        """How many steps one call takes."""
        return self.loop.max_steps if self.verified else VERIFIED_BY

    def is_current(self, recorded: RecordedStep) -> bool:
        """Tell whether this is what the learner does now."""
        return self.loop.recorded is recorded and self.loop.update.is_current(self.learner.optimizer)

    def holds(self, count: int) -> bool:
        """Tell whether the rule does the same in each of so many steps to come."""
        return self.loop.update.holds(self._coming(count))

    def verify(self, inputs: Tensor, targets: Tensor, batch_size: int) -> Iterator[tuple[Tensor, int]]:
        """Do plain steps, and look whether the loop comes to the same."""
        with interrupts_deferred():
            undo = self._undo()
            try:
                values = self._run(inputs, targets, 1)
                found = [each.clone() for each in self._state(values)] if values is not None else []
            finally:
                undo()
            carried = self._carried(inputs, targets) if found and self._attempts else [0.0] * len(found)
            pieces = [(value.clone(), count) for value, count in self._plain.steps(inputs, targets, batch_size)]
            plain = self._state(torch.stack([value for value, _ in pieces]))
            if self._moved():  # at a rate of zero there is nothing to compare
                self._attempts += 1
                self.verified = bool(found) and self._agree(found, plain, carried)
        yield from pieces

    def run(
        self, inputs: Tensor, targets: Tensor, batch_size: int, steps_per_epoch: int
    ) -> Iterator[tuple[Tensor, int]]:
        """Do steps in one call, or plainly if anything is wrong with them."""
        with interrupts_deferred():
            undo = self._undo()
            try:
                values = self._run(inputs, targets, steps_per_epoch)
                if values is not None:
                    self.learner.optimizer.steps += len(values)
                else:
                    undo()
            except BaseException:
                undo()
                raise
        if values is not None:
            yield values, len(inputs)
        else:
            yield from self._plain.steps(inputs, targets, batch_size)
            self.verified, self._attempts = False, ATTEMPTS  # plainly, nothing was wrong with them

    def _run(self, inputs: Tensor, targets: Tensor, steps_per_epoch: int) -> Tensor | None:
        """Move the weights by the loop and return the loss of each step, or None if something was wrong on the way."""
        batch_size = len(self.loop.recorded.input)
        try:
            rates = learning_rates(self.learner.optimizer, self._coming(len(inputs) // batch_size))
        except Exception:  # noqa: BLE001 - of a schedule, which raises it again at the plain step that it is about
            return None
        try:
            done, predictions, values = self.loop.run(inputs, targets, rates, steps_per_epoch)
        except Exception as error:  # noqa: BLE001 - the engine reports it
            self.failure = error
            return None
        if done < len(rates) or (values.dim() > 1 and not are_finite([values])):
            return None
        try:
            check_all(self.learner.loss, predictions, targets, batch_size)
        except Exception:  # noqa: BLE001 - of the loss, which raises it again at the plain step that it is about
            return None
        return values

    def _coming(self, count: int) -> range:
        now = self.learner.optimizer.steps
        return range(now, now + count)

    def _state(self, values: Tensor) -> list[Tensor]:
        return [*self._moving, values]

    def _moved(self) -> bool:
        """Tell whether some weight is not what it was before."""
        weights = range(0, 2 * len(self.learner.optimizer.layout.slots), 2)
        return not all(torch.equal(self._moving[place], self._before[place]) for place in weights)

    def _agree(self, found: Sequence[Tensor], plain: Sequence[Tensor], carried: Sequence[float]) -> bool:
        """Tell whether weights, gradients, states, buffers and losses are the same."""
        before = [*self._before, torch.zeros_like(plain[-1])]
        rows = zip(found, plain, before, carried, strict=True)
        return all(agree([one], [other], [start], [far]) for one, other, start, far in rows)

    def _carried(self, inputs: Tensor, targets: Tensor) -> list[float]:
        """Return what a rounding of weights and inputs makes of each, once plain steps came to another."""
        own = inputs.clone()

        def compute() -> list[Tensor]:
            undo = self._undo()
            try:
                values = self._run(own, targets, 1)
                return [each.clone() for each in self._state(torch.zeros(()) if values is None else values)]
            finally:
                undo()

        far = sensitivity(compute, [own, *self.learner.optimizer.layout.weights()])
        self._undo()  # which remembers how things are before the steps
        return far

    def _undo(self) -> Callable[[], None]:
        """Return a function that puts everything back that steps move."""
        optimizer = self.learner.optimizer
        rewind, steps = rng_checkpoint(), optimizer.steps
        for tensor, kept in zip(self._moving, self._before, strict=True):
            kept.copy_(tensor)

        def undo() -> None:
            for tensor, kept in zip(self._moving, self._before, strict=True):
                tensor.copy_(kept)
            rewind()
            optimizer.steps = steps

        return undo
