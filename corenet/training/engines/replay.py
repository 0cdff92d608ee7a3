"""The recorded step: gradients are computed once under a tape, and then replayed without Python in between.

A recording is believed only after it gave the next batch the gradients that the plain step gives it. So a
component that keeps numbers outside of tensors, or draws them elsewhere than from torch's generator, is found out,
and the plain step goes on. What a loss checks of its numbers, and the look for infinities, are part of every step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import gradient
from corenet.errors import CorenetError
from corenet.training.engines.engine import Engine
from corenet.training.engines.program import program
from corenet.training.engines.recording import (
    Maker,
    Recording,
    agree,
    buffers,
    gradients_agree,
    left_as_they_are,
    record,
)
from corenet.training.engines.surroundings import surroundings
from corenet.training.finite import are_finite, refuse_non_finite
from corenet.training.step import gradients, train_step

LOG = logging.getLogger("corenet")
Key = tuple[torch.Size, torch.dtype, torch.Size, torch.dtype]


def key_of(input: Tensor, target: Tensor) -> Key:
    """Return what batches have in common that one recording can take."""
    return input.shape, input.dtype, target.shape, target.dtype


class Replay(Engine):
    """Trains by recordings, one for each shape of a batch; by the plain step where there can be none."""

    make: Maker = staticmethod(program)

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer, name: str = "replay") -> None:
        self.name = name
        self._parts = (model, loss, optimizer)
        self._recordings: dict[Key, Recording] = {}
        self._seen: list[Any] = []
        if not optimizer.is_ordinary():
            self._give_up("the optimizer has a step of its own")
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Record anew if something was changed that a recording takes for granted."""
        model, loss, optimizer = self._parts
        self._flat_gradients = optimizer.gradients()
        now = surroundings(model, loss)
        if now != self._seen:
            self._recordings, self._seen = {}, now

    def step(self, input: Tensor, target: Tensor) -> Tensor:
        """Do one step of training and return the loss before it; the next step may overwrite it.

        Raises:
            NonFiniteError: as the plain step; no weight has been written.
        """
        model, loss, optimizer = self._parts
        if self.name == "plain":
            return train_step(model, loss, optimizer, input, target)
        value = self._gradients(input, target)
        if not are_finite([value, *self._flat_gradients]):
            refuse_non_finite(model, optimizer, value)
        optimizer.advance()
        return value

    def _gradients(self, input: Tensor, target: Tensor) -> Tensor:
        key = key_of(input, target)
        recording = self._recordings.get(key)
        if recording is None:
            return self._record(key, input, target)
        if not recording.proven:
            return self._prove(recording, input, target)
        model, loss, optimizer = self._parts
        try:
            value = recording.replay(input, target)
            loss.check(recording.prediction, target)
        except Exception as reason:  # noqa: BLE001 - the plain step says better what it is
            if not isinstance(reason, CorenetError):
                self._give_up(reason)
            model.forget()
            return gradients(model, loss, optimizer, input, target)  # which says what is wrong
        return value

    def _record(self, key: Key, input: Tensor, target: Tensor) -> Tensor:
        model, loss, optimizer = self._parts
        with left_as_they_are(model, loss):
            try:
                self._recordings[key] = record(model, loss, optimizer, input, target, self.make)
            except Exception as reason:  # noqa: BLE001 - whatever it is, the plain step says it better
                self._give_up(reason)
        return gradients(model, loss, optimizer, input, target)

    def _prove(self, recording: Recording, input: Tensor, target: Tensor) -> Tensor:
        """Compute the gradients by replay and plainly, and replay no more if they differ.

        Where a training has come to its end, the terms of a gradient cancel out, and what is left is rounding: a
        second look is at the same points with one another's targets.
        """
        model, loss, optimizer = self._parts
        replayed = self._attempt(lambda: recording.replay(input, target))
        value = gradients(model, loss, optimizer, input, target)
        recording.proven = self._agrees(replayed, self._moved(value))
        if not recording.proven:
            other = target.roll(1, 0)
            pair = (lambda: recording.replay(input, other), lambda: gradients(model, loss, optimizer, input, other))
            recording.proven = self._agrees(*map(self._attempt, pair))
        if not recording.proven:
            self._disagreed()
        return value

    def _attempt(self, compute: Callable[[], Tensor]) -> list[Tensor]:
        """Return copies of the loss and of all that ``compute`` moves, and put it back; nothing if it fails."""
        with left_as_they_are(*self._parts[:2]), suppress(Exception):  # plainly, it is said better
            return [tensor.clone() for tensor in self._moved(compute())]
        return []

    def _moved(self, value: Tensor) -> list[Tensor]:
        model, _, optimizer = self._parts
        return [*map(gradient, optimizer.parameters), value, *buffers(model)]

    def _agrees(self, replayed: Sequence[Tensor], plain: Sequence[Tensor]) -> bool:
        count = len(self._parts[2].parameters)
        is_whole = len(replayed) == len(plain) > 0
        return (
            is_whole
            and gradients_agree(replayed[:count], plain[:count])
            and all(map(agree, replayed[count:], plain[count:]))
        )

    def _disagreed(self) -> None:
        self._give_up("replayed, it gave another gradient")

    def _give_up(self, reason: object) -> None:
        model, loss, _ = self._parts
        LOG.info("the plain step trains %r with %r: %s", model, loss, reason)
        model.forget()
        self.name = "plain"
