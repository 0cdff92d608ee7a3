"""The compiled step: recorded kernels as C, and where all of a step is known, many steps in one call.

A stretch of steps is believed as a recording is, after it gave the weights that plain steps gave. What a plain step
looks at as it goes, infinities and what the loss checks, is looked at in C or once for the whole stretch. If anything
is wrong there, the stretch is undone, and done again by plain steps, which say what it is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.errors import CorenetError
from corenet.training.engines.native.calls import compiled
from corenet.training.engines.native.compiler import CannotCompile
from corenet.training.engines.native.loop import Loop
from corenet.training.engines.program import Call, program
from corenet.training.engines.recording import agree, buffers
from corenet.training.engines.replay import Replay
from corenet.training.engines.tape import Operation
from corenet.training.engines.update import learning_rates, recorded_update, tensors_of
from corenet.training.step import train_step

LOG = logging.getLogger("corenet")
PROVEN_BY = 2  # steps


class Compiled(Replay):
    """Trains as :class:`Replay` does, by calls that are compiled."""

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer) -> None:
        self._loop: Loop | None = None
        self._may_loop = True
        self._moving: list[Tensor] = []
        self._settled: list[Any] = []
        super().__init__(model, loss, optimizer, name="compiled")

    def make(self, operations: Iterable[Operation], gradients: Sequence[Tensor], kept: Sequence[Tensor]) -> list[Call]:
        """Return calls in C, or those of the replay where the compiler refuses."""
        operations = list(operations)
        try:
            return compiled(operations, gradients, kept)
        except CannotCompile as reason:
            LOG.info("steps are replayed, not compiled: %s", reason)
            self.name, self._may_loop = "replay", False
            return program(operations, gradients, kept)

    def begin_epoch(self) -> None:
        """Record anew if something was changed that a recording takes for granted."""
        super().begin_epoch()
        optimizer = self._parts[2]
        settings = {name: value for name, value in optimizer.settings().items() if name not in ("_lr", "steps")}
        settled = [self._seen, settings, [(id(each), each.data_ptr()) for each in tensors_of(optimizer)]]
        if settled != self._settled:
            self._loop, self._settled = None, settled

    def epoch(self, inputs: Tensor, targets: Tensor, batch_size: int) -> Iterator[tuple[Tensor, int]]:
        """Do a step on each batch, many of them in one call where that can be."""
        start = 0
        while start < len(inputs):
            whole = (len(inputs) - start) // batch_size
            loop = self._loop_for(inputs, targets, batch_size) if whole >= PROVEN_BY else None
            count = 1 if loop is None else min(whole, loop.longest) if loop.proven else PROVEN_BY
            end = start + count * batch_size
            batches = inputs[start:end], targets[start:end]
            if loop is None or not loop.update.holds(self._steps(count)):
                yield from super().epoch(*batches, batch_size)
            elif loop.proven:
                yield from self._stretch(loop, *batches, batch_size)
            else:
                yield from self._prove_loop(loop, *batches, batch_size)
            start = end

    def _loop_for(self, inputs: Tensor, targets: Tensor, batch_size: int) -> Loop | None:
        """Return the loop over batches of such data, or None if there is none (yet)."""
        recording = self._recordings.get((inputs[:batch_size].shape, targets[:batch_size].shape))
        if not self._may_loop or recording is None or not recording.proven or not recording.takes(inputs, targets):
            return None
        if self._loop is None or self._loop.recording is not recording:
            optimizer = self._parts[2]
            try:
                self._loop = Loop(recording, recorded_update(optimizer), self._flat_gradients, tensors_of(optimizer))
                self._moving = [*tensors_of(optimizer), *buffers(self._parts[0])]
            except Exception as reason:  # noqa: BLE001 - whatever it is, steps go on one by one
                self._loop_no_more(reason)
        return self._loop

    def _steps(self, count: int) -> range:
        now = self._parts[2].steps
        return range(now, now + count)

    def _prove_loop(self, loop: Loop, inputs: Tensor, targets: Tensor, batch_size: int) -> Iterator[tuple[Tensor, int]]:
        """Do steps plainly, and believe in the loop if it came to the same."""
        before = self._snapshot()
        values = self._run(loop, inputs, targets)
        found = [tensor.clone() for tensor in self._moving]
        self._restore(*before)
        plainly = []
        for value in self._plainly(inputs, targets, batch_size):
            plainly.append(value.clone())
            yield value, batch_size
        loop.proven = values is not None and all(map(agree, [*found, values], [*self._moving, torch.stack(plainly)]))
        if not loop.proven:
            self._loop_no_more("many at once, they came to other weights")

    def _stretch(self, loop: Loop, inputs: Tensor, targets: Tensor, batch_size: int) -> Iterator[tuple[Tensor, int]]:
        """Do steps in one call, or plainly if anything is wrong with them."""
        before = self._snapshot()
        try:
            values = self._run(loop, inputs, targets)
        except BaseException:  # such as Ctrl-C, between the steps and their count
            self._restore(*before)
            raise
        if values is not None:
            self._parts[2].steps += len(values)
            yield values, len(inputs)
            return
        self._restore(*before)
        yield from ((value, batch_size) for value in self._plainly(inputs, targets, batch_size))
        self._loop_no_more("plainly, nothing was wrong with them")

    def _run(self, loop: Loop, inputs: Tensor, targets: Tensor) -> Tensor | None:
        """Move the weights by the loop and return the loss of each step, or None if something was wrong on the way."""
        _, loss, optimizer = self._parts
        rates = learning_rates(optimizer, self._steps(len(inputs) // len(loop.recording.input)))
        done, predictions, values = loop.run(inputs, targets, rates)
        try:
            loss.check(predictions.flatten(0, 1), targets)
        except CorenetError:
            return None
        return values if done == len(rates) else None

    def _snapshot(self) -> tuple[list[Tensor], Tensor]:
        return [tensor.clone() for tensor in self._moving], torch.get_rng_state()

    def _restore(self, tensors: Sequence[Tensor], generator: Tensor) -> None:
        for tensor, before in zip(self._moving, tensors, strict=True):
            tensor.copy_(before)
        torch.set_rng_state(generator)

    def _plainly(self, inputs: Tensor, targets: Tensor, batch_size: int) -> Iterator[Tensor]:
        for batch in zip(inputs.split(batch_size), targets.split(batch_size), strict=True):
            yield train_step(*self._parts, *batch)

    def _loop_no_more(self, reason: object) -> None:
        LOG.info("steps are compiled one by one: %s", reason)
        self._loop, self._may_loop = None, False
