"""The compiled step: recorded kernels as C, and where all of a step is known, many steps in one call.

A stretch of steps is believed as a recording is, after it gave the weights that plain steps gave. What a plain step
looks at as it goes, infinities and what the loss checks, is looked at in C or once for the whole stretch. If anything
is wrong there, the stretch is undone, and done again by plain steps, which say what it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import gradient
from corenet.errors import CorenetError
from corenet.training.engines.cpu.cc import CannotCompile, library
from corenet.training.engines.cpu.codegen import compiled
from corenet.training.engines.cpu.reuse import twins
from corenet.training.engines.cpu.step_loop import Loop
from corenet.training.engines.plain import Plain
from corenet.training.engines.recording.guards import surroundings
from corenet.training.engines.recording.lowering import Call, program
from corenet.training.engines.recording.op_log import NotRecordable, Operation
from corenet.training.engines.recording.recorded_step import (
    Recording,
    agree,
    check_all,
    left_as_they_are,
    moved_by,
    other_weights,
)
from corenet.training.engines.recording.recorded_update import learning_rates, recorded_by, recorded_update, tensors_of
from corenet.training.engines.recording.rng_state import rewinding
from corenet.training.engines.replay import Replay, key_of
from corenet.training.finite import are_finite

LOG = logging.getLogger("corenet")
PROVEN_BY = 2  # steps, or the only one of an epoch
MOST = 8  # libraries to compile: what changes in every epoch never earns back what each of them costs


class Compiled(Replay):
    """Trains as :class:`Replay` does, by calls that are compiled."""

    best = "compiled"  # its name, as long as nothing stands against it
    done = "compiled"  # what it does to steps, in the log
    loop = Loop

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer) -> None:
        self._plain = Plain(model, loss, optimizer)
        self._loop: Loop | None = None
        self._before: Compiled | None = None
        self._every = 1
        self._may_loop = True
        self._compiled_before = library.cache_info().misses
        self._moving: list[Tensor] = []
        self._kept: list[Tensor] = []
        super().__init__(model, loss, optimizer, name=self.best)

    def make(self, operations: Iterable[Operation], gradients: Sequence[Tensor], kept: Sequence[Tensor]) -> list[Call]:
        """Return its own calls, or those of the replay where there can be none."""
        operations = list(operations)
        if self.name == self.best:
            try:
                self._refuse_too_many()
                return self.own_calls(operations, gradients, kept)
            except Exception as reason:  # noqa: BLE001 - whatever it is, the kernels themselves go on
                LOG.info("steps are replayed, not %s: %s", self.done, reason)
                self.name = "replay"
        return program(operations, gradients, kept)

    def own_calls(
        self, operations: Sequence[Operation], gradients: Sequence[Tensor], kept: Sequence[Tensor]
    ) -> list[Call]:
        """Return calls in C, if the compiler can."""
        return compiled(operations, gradients, kept)

    def take_over(self, other: Compiled) -> None:
        """Do as the other does, if it turns out that it trained what differs from this in its numbers only."""
        self._before = other

    @property
    def longest(self) -> int:
        """How many steps it does in one call, as things stand."""
        return self._loop.longest if self._loop is not None and self._loop.proven else 1

    def steps(self, inputs: Tensor, targets: Tensor, batch_size: int, epochs: int = 1) -> Iterator[tuple[Tensor, int]]:
        """Do a step on each batch, many of them in one call where that can be."""
        every = len(inputs) // epochs  # points of an epoch
        if epochs > 1 and (
            self._loop_for(inputs, targets, batch_size) is None or self.longest * batch_size < len(inputs)
        ):
            for each in zip(inputs.split(every), targets.split(every), strict=True):
                yield from self.steps(*each, batch_size)
            return
        self._every = max(1, every // batch_size)
        start = 0
        while start < len(inputs):
            whole = (len(inputs) - start) // batch_size
            loop = self._loop_for(inputs, targets, batch_size) if whole else None
            count = 1 if loop is None else min(whole, loop.longest) if loop.proven else min(whole, PROVEN_BY)
            end = start + count * batch_size
            batches = inputs[start:end], targets[start:end]
            if self._before is not None:
                yield from self._plain.steps(*batches, batch_size)
            elif loop is None:
                yield from super().steps(*batches, batch_size)
            elif not loop.update.holds(self._coming(count)):
                self._loop = None  # the rule does another thing by now, or soon
                yield from super().steps(*batches, batch_size)
            elif loop.proven:
                yield from self._stretch(loop, *batches, batch_size)
            else:
                yield from self._prove_loop(loop, *batches, batch_size)
            start = end

    def _loop_for(self, inputs: Tensor, targets: Tensor, batch_size: int) -> Loop | None:
        """Return the loop over batches of such data, or None if there is none (yet)."""
        if self.name != self.best or not self._may_loop or self._parts[2].steps < PROVEN_BY:  # the first may differ
            return None
        if self._before is not None:
            self._take_over(self._before)
        recording = self._recordings.get(key_of(inputs[:batch_size], targets[:batch_size]))
        if recording is None or not recording.takes(inputs, targets):
            return None
        if not self._is_current(self._loop, recording):
            self._loop = self._another_loop(recording) if recording.proven else None
        return self._loop

    def _is_current(self, loop: Loop | None, recording: Recording) -> bool:
        """Tell whether a loop is of this recording, and of what the optimizer does now."""
        return loop is not None and loop.recording is recording and loop.granted == recorded_by(self._parts[2])

    def _take_over(self, other: Compiled) -> None:
        """Have what the other has, unproven; not before the first steps, in which a rule may put up its memories."""
        self._before = None
        try:
            other._refuse_changed()
            self._recordings, self._loop = twins(other._recordings, other._loop, other._parts, self._parts)
        except Exception as reason:  # noqa: BLE001 - whatever it is, this one finds out for itself
            LOG.info("a model is recorded anew: %s", reason)
        self._note_what_moves()

    def _refuse_changed(self) -> None:
        """Refuse if anything is not as it was in the last step."""
        model, loss, optimizer = self._parts
        is_current = all(flat.is_current() for flat in optimizer._flats) and surroundings(model, loss) == self._seen
        if not is_current or (self._loop is not None and self._loop.granted != recorded_by(optimizer)):
            raise NotRecordable("the one before was changed since")

    def _another_loop(self, recording: Recording) -> Loop | None:
        try:
            self._refuse_too_many()
            loop = self.loop(recording, recorded_update(self._parts[2]), self._parts[2])
        except Exception as reason:  # noqa: BLE001 - whatever it is, steps go on one by one
            self._loop_no_more(reason)
            return None
        self._note_what_moves()
        return loop

    def _note_what_moves(self) -> None:
        """Note which tensors steps move, and have memory to keep them in: fresh memory costs more than a copy."""
        model, loss, optimizer = self._parts
        others = {id(gradient(each)) for each in optimizer.parameters}  # they are in its flat ones
        self._moving = [*tensors_of(optimizer), *(each for each in moved_by(model, loss) if id(each) not in others)]
        self._kept = [torch.empty_like(each) for each in self._moving]

    def _refuse_too_many(self) -> None:
        if library.cache_info().misses - self._compiled_before >= MOST:
            raise CannotCompile("what they take for granted changes too often")

    def _coming(self, count: int) -> range:
        now = self._parts[2].steps
        return range(now, now + count)

    def _prove_loop(self, loop: Loop, inputs: Tensor, targets: Tensor, batch_size: int) -> Iterator[tuple[Tensor, int]]:
        """Look whether the loop comes to what plain steps do, with other weights; then do them plainly."""
        optimizer = self._parts[2]
        ways = (
            lambda: self._run(loop, inputs, targets),
            lambda: torch.stack([value.clone() for value, _ in self._plain.steps(inputs.clone(), targets, batch_size)]),
        )
        for factor in (1.1, 0.9, 1.0):  # rounding may turn a rectifier; such weights may be out of some domain
            with other_weights(optimizer, factor):
                looped, plain = map(self._attempt_steps, ways)
            loop.proven = len(looped) == len(plain) > 0 and all(map(agree, looped, plain))
            if loop.proven:
                break
        if loop.proven:
            loop.recording.proven = True
        elif not loop.recording.proven:  # both are of another model
            self._recordings, self._loop = {}, None
        else:
            loop.recording.proven = False  # it may be at fault as well
            self._loop_no_more("many at once, they came to other numbers, or to none")
        yield from self._plain.steps(inputs, targets, batch_size)

    def _attempt_steps(self, train: Callable[[], Tensor | None]) -> list[Tensor]:
        """Return copies of what ``train`` moves and its losses, and put it back; nothing if something is wrong."""
        undo = self._undo()
        try:
            with left_as_they_are(*self._parts[:2]):
                values = train()
                return [] if values is None else [*(tensor.clone() for tensor in self._moving), values.clone()]
        except CorenetError:
            return []
        finally:
            undo()

    def _stretch(self, loop: Loop, inputs: Tensor, targets: Tensor, batch_size: int) -> Iterator[tuple[Tensor, int]]:
        """Do steps in one call, or plainly if anything is wrong with them."""
        undo = self._undo()
        try:
            values = self._run(loop, inputs, targets)
            if values is not None:
                self._parts[2].steps += len(values)
        except BaseException:  # such as Ctrl-C, between the steps and their count
            undo()
            raise
        if values is not None:
            yield values, len(inputs)
            return
        undo()
        yield from self._plain.steps(inputs, targets, batch_size)
        self._loop_no_more("plainly, nothing was wrong with them")

    def _run(self, loop: Loop, inputs: Tensor, targets: Tensor) -> Tensor | None:
        """Move the weights by the loop and return the loss of each step, or None if something was wrong on the way."""
        _, loss, optimizer = self._parts
        batch_size = len(loop.recording.input)
        try:
            rates = learning_rates(optimizer, self._coming(len(inputs) // batch_size))
            done, predictions, values = loop.run(inputs, targets, rates, self._every)
            if done < len(rates) or (values.dim() > 1 and not are_finite([values])):
                return None
            check_all(loss, predictions, targets, batch_size)
        except Exception:  # noqa: BLE001 - the plain step says better what it is
            return None
        return values

    def _undo(self) -> Callable[[], None]:
        """Return a function that puts everything back that steps move."""
        optimizer = self._parts[2]
        pairs, rewind, steps = list(zip(self._moving, self._kept, strict=True)), rewinding(), optimizer.steps
        for tensor, kept in pairs:
            kept.copy_(tensor)

        def undo() -> None:
            for tensor, kept in pairs:
                tensor.copy_(kept)
            rewind()
            optimizer.steps = steps

        return undo

    def _loop_no_more(self, reason: object) -> None:
        LOG.info("steps are %s one by one: %s", self.done, reason)
        self._loop, self._may_loop = None, False
