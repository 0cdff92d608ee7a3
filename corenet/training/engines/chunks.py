"""Many steps in one call: verified against plain steps first, undone and done plainly where anything goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from corenet.contracts.parameter import gradient
from corenet.contracts.several import Tensors, count, each_of, like, mapped
from corenet.training.engines.engine import Piece
from corenet.training.engines.optimizer_adapter import tensors_of, trained
from corenet.training.engines.plain import Plain
from corenet.training.engines.recording.agreement import agree
from corenet.training.engines.recording.checks import check_all
from corenet.training.engines.recording.moving import moved_by
from corenet.training.engines.recording.recorded_step import RecordedStep
from corenet.training.engines.recording.recorded_update import Numbers, RecordedUpdate
from corenet.training.engines.recording.restore import interrupts_deferred
from corenet.training.engines.recording.rng_state import rng_checkpoint
from corenet.training.engines.recording.sensitivity import sensitivity
from corenet.training.engines.unsupported import Unsupported, is_of_ours
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
        self, inputs: Tensors, targets: Tensors, numbers: Numbers, steps_per_epoch: int
    ) -> tuple[int, list[Tensor]]:
        """Do a step by each row of the update's numbers; return how many went well, and all results until the next run.

        They are those of the recorded step, each with a dimension more.

        The weights must be finite whenever ``steps_per_epoch`` more are done.
        """
        ...


class Chunks:
    """Steps of a learner by a loop, as many as one call takes."""

    def __init__(self, learner: Learner, loop: StepLoop) -> None:
        self.learner, self.loop, self.verified = learner, loop, False
        self.failure: Exception | None = None
        self.refutation = Unsupported("running many steps per call gave different weights than single steps")
        self._attempts, self._has_disagreed = 0, False
        self._plain = Plain(learner)
        in_flat_tensors = {id(gradient(each)) for each in trained(learner.optimizer)}
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

    def holds(self, steps: int) -> bool:
        """Tell whether the rule does the same in each of so many steps to come."""
        return self.loop.update.holds(self._coming(steps))

    def verify(self, inputs: Tensors, targets: Tensors, batch_size: int) -> Iterator[Piece]:
        """Do plain steps, and look whether the loop comes to the same."""
        pieces, is_same = self.compared(lambda own: self.attempt(own, targets, 1), inputs, targets, batch_size)
        if is_same is not None:
            self._attempts += 1
            self.verified = is_same
        yield from pieces

    def compared(
        self, run: Callable[[Tensors], Sequence[Tensor] | None], inputs: Tensors, targets: Tensors, batch_size: int
    ) -> tuple[list[Piece], bool | None]:
        """Do plain steps; tell whether ``run(inputs)`` comes to the same state and losses, None if no weight moves."""
        with interrupts_deferred():
            found = self._tried(run, inputs)
            carried = self._carried(run, inputs) if found and self._has_disagreed else [0.0] * len(found)
            pieces = [
                Piece([(value.clone(), points) for value, points in piece.losses])
                for piece in self._plain.steps(inputs, targets, batch_size)
            ]
            plain = [*self._moving, _flat([value for piece in pieces for value, _ in piece.losses])]
            is_same = bool(found) and self._agree(found, plain, carried)
            self._has_disagreed = self._has_disagreed or not is_same
            return pieces, is_same if self._moved() else None  # at a rate of zero there is nothing to compare

    def run(self, inputs: Tensors, targets: Tensors, batch_size: int, steps_per_epoch: int) -> Iterator[Piece]:
        """Do steps in one call, or plainly if anything is wrong with them."""
        done = self.undoable(lambda: self.attempt(inputs, targets, steps_per_epoch), count(inputs) // batch_size)
        if done is not None:
            epochs = max(1, count(inputs) // (batch_size * steps_per_epoch))
            yield Piece([(done[0], count(inputs))], epochs)
        else:
            yield from self._plain.steps(inputs, targets, batch_size)
            self.give_up()

    def undoable(self, run: Callable[[], Sequence[Tensor] | None], steps: int) -> Sequence[Tensor] | None:
        """Return what ``run`` gives for so many steps; put all back that it moved if it gives None."""
        with interrupts_deferred():
            undo = self._undo()
            try:
                done = run()
                if done is None:
                    undo()
                else:
                    self.learner.optimizer.steps += steps
            except BaseException:
                undo()
                raise
            return done

    def give_up(self) -> None:
        """Do no more steps in one call: done singly, nothing was wrong with them."""
        self.verified, self._attempts = False, ATTEMPTS
        self.refutation = Unsupported("a call of many steps failed where single steps went well")

    def attempt(self, inputs: Tensors, targets: Tensors, steps_per_epoch: int) -> Sequence[Tensor] | None:
        """Move the weights by the loop and return the loss of each step, or None if something was wrong on the way."""
        batch_size = count(self.loop.recorded.input)
        numbers = self.numbers(count(inputs) // batch_size)
        if numbers is None:
            return None
        try:
            done, results = self.loop.run(inputs, targets, numbers, steps_per_epoch)
        except Exception as error:  # noqa: BLE001 - the engine reports it
            self.failure = error
            return None
        if done < len(numbers):
            return None
        given = [each.unflatten(0, (done, batch_size)) for each in (*each_of(inputs), *each_of(targets))]
        values = self.right_losses(self.loop.recorded, given, results)
        return None if values is None else [values]

    def right_losses(self, recorded: RecordedStep, given: Sequence[Tensor], results: Sequence[Tensor]) -> Tensor | None:
        """Return the losses of steps, or None if one is not finite or a module or the loss refuses its numbers."""
        outputs, inputs = len(each_of(recorded.prediction)), len(each_of(recorded.input))
        values = results[outputs]
        if values.dim() > 1 and not are_finite([values]):
            return None
        try:
            recorded.check_turns(given, results)
            predictions = like(recorded.prediction, tuple(results[:outputs]))
            check_all(self.learner.loss, predictions, like(recorded.target, tuple(given[inputs:])))
        except Exception as error:  # noqa: BLE001 - of a stranger's, raised again at the plain step that it is about
            self.failure = error if is_of_ours(error) else None
            return None
        return values

    def numbers(self, steps: int) -> Numbers | None:
        """Return the update's numbers for each of so many steps to come, or None if the schedule raises an error."""
        try:
            return self.loop.update.numbers_of(self.learner.optimizer, self._coming(steps))
        except Exception as error:  # noqa: BLE001 - of a schedule, which raises it again at the plain step that it is about
            self.failure = error if is_of_ours(error) else None
            return None

    def _coming(self, steps: int) -> range:
        now = self.learner.optimizer.steps
        return range(now, now + steps)

    def _moved(self) -> bool:
        """Tell whether some weight is not what it was before."""
        weights = range(0, 2 * len(self.learner.optimizer.layout.slots), 2)
        return not all(torch.equal(self._moving[place], self._before[place]) for place in weights)

    def _agree(self, found: Sequence[Tensor], plain: Sequence[Tensor], carried: Sequence[float]) -> bool:
        """Tell whether weights, gradients, states, buffers and losses are the same."""
        before = [*self._before, torch.zeros_like(plain[-1])]
        rows = zip(found, plain, before, carried, strict=True)
        return all(agree([one], [other], [start], [far]) for one, other, start, far in rows)

    def _tried(self, run: Callable[[Tensors], Sequence[Tensor] | None], inputs: Tensors) -> list[Tensor]:
        """Return copies of state and losses that ``run`` comes to, and leave everything as it was."""
        undo = self._undo()
        try:
            values = run(inputs)
            return [] if values is None else [*(each.clone() for each in self._moving), _flat(values)]
        finally:
            undo()

    def _carried(self, run: Callable[[Tensors], Sequence[Tensor] | None], inputs: Tensors) -> list[float]:
        """Return what a rounding of weights and inputs makes of each, once plain steps came to another."""
        own = mapped(Tensor.clone, inputs)
        floating = filter(Tensor.is_floating_point, each_of(own))
        far = sensitivity(lambda: self._tried(run, own), [*floating, *self.learner.optimizer.layout.weights()])
        self._undo()  # remembers how things are before the steps
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


def _flat(values: Sequence[Tensor]) -> Tensor:
    return torch.cat([each.flatten() for each in values])
