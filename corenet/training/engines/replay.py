"""The recorded step: gradients are computed once under a tape, and then replayed without Python in between.

A recording is believed only after it gave the next batch the gradients that the plain step gives it. So a
component that keeps numbers outside of tensors, or draws them elsewhere than from torch's generator, is found out,
and the plain step goes on. What a loss checks of its numbers, and the look for infinities, are part of every step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
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
from corenet.training.engines.recording.guards import surroundings
from corenet.training.engines.recording.lowering import program
from corenet.training.engines.recording.recorded_step import (
    Maker,
    Recording,
    agree,
    buffers,
    left_as_they_are,
    other_weights,
    record,
)
from corenet.training.finite import are_finite, refuse_non_finite
from corenet.training.step import gradients, train_step

LOG = logging.getLogger("corenet")
MOST = 32  # recordings: batches of ever other shapes never earn back what each of them costs
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
        if recording is None and len(self._recordings) < MOST:
            return self._record(key, input, target)
        if recording is None:
            return gradients(*self._parts, input, target)
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
        """Look whether a replay gives what a plain step does, with other weights; then do the step plainly."""
        larger, smaller = (self._look(recording, input, target, factor) for factor in (1.1, 0.9))
        if larger is None or smaller is None:  # such weights are out of some domain
            larger = smaller = self._look(recording, input, target, 1.0)
        # In a wide network rounding may turn a rectifier the other way; hardly ever twice.
        larger = larger or self._look(recording, input, target, 1.2)
        smaller = smaller or self._look(recording, input, target, 0.8)
        recording.proven = bool(larger and smaller)
        if not recording.proven:
            self._give_up("replayed, it gave another gradient")
        return gradients(*self._parts, input, target)

    def _look(self, recording: Recording, input: Tensor, target: Tensor, factor: float) -> bool | None:
        """Tell whether replay and plain step agree; None if the plain step refuses."""
        with other_weights(self._parts[2], factor):
            replayed = self._attempt(lambda: recording.replay(input, target))
            plain = self._attempt(lambda: gradients(*self._parts, input.clone(), target))
        return len(replayed) == len(plain) and all(map(agree, replayed, plain)) if plain else None

    def _attempt(self, compute: Callable[[], Tensor]) -> list[Tensor]:
        """Return copies of the loss and of all that ``compute`` moves, and put it back; nothing if it fails."""
        model, loss, optimizer = self._parts
        with left_as_they_are(model, loss), suppress(Exception):  # plainly, it is said better
            value = compute()
            return [each.clone() for each in (value, *map(gradient, optimizer.parameters), *buffers(model))]
        model.forget()
        return []

    def _give_up(self, reason: object) -> None:
        model, loss, _ = self._parts
        LOG.info("the plain step trains %r with %r: %s", model, loss, reason)
        model.forget()
        self.name = "plain"
