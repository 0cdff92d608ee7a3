"""Many independent trainings as one: the plain step under ``torch.vmap``, recorded once and replayed.

``vmap`` runs a component's own forward and backward on one more dimension, which it does not know of. What comes of
it are batched kernels, and they are recorded and replayed as those of a single training are. Random layers draw other
numbers for each model.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NoReturn

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.substitute import standing_in
from corenet.errors import NonFiniteError, RangeError
from corenet.training.engines.batched.stacked_parameters import Stack
from corenet.training.engines.recording.guards import attributes, kind_of, refuse_changed
from corenet.training.engines.recording.lowering import program
from corenet.training.engines.recording.op_log import NotRecordable, Tape
from corenet.training.engines.recording.recorded_step import (
    Maker,
    Recording,
    agree,
    nothing_drawn_in_python,
    put_back,
    refuse_foreign_writes,
    unchecked,
)
from corenet.training.engines.recording.rng_state import cards, standing
from corenet.training.finite import NOT_FINITE, are_finite, refuse_non_finite
from corenet.training.step import gradients

LARGEST = 100_000  # parameters: larger products gain nothing from being batched


class Together:
    """Trains models that are alike in one batched run, on batches ``(rounds, batch, …)``.

    Raises:
        NotRecordable: they differ in more than their numbers.
    """

    def __init__(
        self,
        models: Sequence[Module],
        losses: Sequence[Loss],
        optimizers: Sequence[Optimizer],
        make: Maker = program,
    ) -> None:
        self.models, self.losses, self.optimizers, self._make = models, losses, optimizers, make
        _refuse_unlike(models, losses, optimizers)
        self.stack = Stack(models)
        self._recordings: dict[tuple[torch.Size, torch.Size], Recording] = {}
        self._join()

    def prove(self, input: Tensor, target: Tensor) -> None:
        """Hold the gradients of a batch against those of each model alone; nothing is trained.

        Random layers draw other numbers together than alone, so of models with any nothing is compared.

        Raises:
            NotRecordable: they differ, or a component looks at its numbers.
        """
        moving = [self.stack.gradients, *self.stack.buffers.values()]
        generators = standing()
        with put_back(self.stack.buffers.values()):
            value = self._gradients(input, target)
            together = [tensor.clone() for tensor in (value, *moving)]
            is_random = not all(map(torch.equal, generators, standing()))
        with put_back(self.stack.buffers.values()):
            parts = list(zip(self.models, self.losses, self.optimizers, input, target, strict=True))
            alone = torch.stack([gradients(*each) for each in parts])
            agreed = all(map(agree, together, (alone, *moving)))
        if not (is_random or agreed):
            raise NotRecordable("together they have other gradients than alone")

    def begin_epoch(self) -> None:
        """Heed what was set on an optimizer since."""
        if [optimizer.settings() for optimizer in self.optimizers] != self._settled:
            self._share()
            self._join()

    def step(self, input: Tensor, target: Tensor) -> Tensor:
        """Do one step of each training and return the losses; the next step may overwrite them.

        Raises:
            NonFiniteError: a loss or a gradient is not finite; no weight of any model has been written.
        """
        value = self._gradients(input, target)
        if not are_finite([value, self.stack.gradients]):
            self._refuse(value)
        for optimizer in self.optimizers if self._joint is None else [self._joint]:
            optimizer.advance()
        return value

    def learning_rates(self) -> list[float]:
        """Return the rate that each training goes on with."""
        if self._joint is not None:
            return [self._joint.current_lr] * len(self.models)
        return [optimizer.current_lr for optimizer in self.optimizers]

    def finish(self) -> None:
        """Leave models and optimizers as if each had trained alone."""
        self._share()
        self.stack.release()
        for optimizer in self.optimizers:
            optimizer.gradients()  # finds its parameters again

    def _join(self) -> None:
        for optimizer in self.optimizers:
            optimizer.gradients()  # finds its parameters again, in their row
        self._joint = _joint(self.optimizers)
        self._settled = [optimizer.settings() for optimizer in self.optimizers]

    def _share(self) -> None:
        """Give each optimizer what it would remember, had it trained alone; a rate that was set since stays."""
        if self._joint is None:
            return
        state, settings = self._joint.state_dict(), self._joint.settings()
        count = len(self.optimizers[0].parameters)
        for round, optimizer in enumerate(self.optimizers):
            now, then = optimizer.settings(), self._settled[round]
            changed = {name: value for name, value in now.items() if value != then.get(name)}
            vars(optimizer).update({**settings, **changed})
            states = state["states"][round * count : (round + 1) * count]
            optimizer.load_state_dict({"lr": optimizer.lr, "steps": state["steps"], "states": states})

    def _gradients(self, input: Tensor, target: Tensor) -> Tensor:
        recording = self._recordings.get((input.shape, target.shape))
        if recording is None:
            recording = self._recordings[input.shape, target.shape] = self._record(input, target)
        value = recording.replay(input, target)
        try:
            self.losses[0].check(recording.prediction.flatten(0, 1), recording.target.flatten(0, 1))
        except RangeError as error:
            self._explain(recording.prediction, error)
        return value

    def _record(self, input: Tensor, target: Tensor) -> Recording:
        input, target = input.clone(), target.clone()
        stack, loss = self.stack, self.losses[0]
        mapped = torch.vmap(partial(_step_with, self.models[0], loss), randomness="different")
        with put_back(stack.buffers.values()), torch.random.fork_rng(devices=cards()):
            with nothing_drawn_in_python(), unchecked(loss), Tape() as tape:
                prediction, value = mapped(stack.tensors, stack.grads, input, target)
            refuse_foreign_writes(tape.operations, [input, target, *stack.tensors.values(), *stack.grads.values()])
            calls = self._make(tape.operations, list(stack.grads.values()), [prediction, value])
        return Recording(input, target, prediction, value, calls)

    def _explain(self, prediction: Tensor, error: RangeError) -> NoReturn:
        """Raise for the first training whose output is not finite, or what the loss found."""
        for round, each in enumerate(prediction):
            if not each.isfinite().all():
                raise NonFiniteError(NOT_FINITE, round=round) from error
        raise error

    def _refuse(self, value: Tensor) -> None:
        """Raise for the first training whose numbers are not finite."""
        for round, (model, optimizer) in enumerate(zip(self.models, self.optimizers, strict=True)):
            try:
                refuse_non_finite(model, optimizer, value[round])
            except NonFiniteError as error:
                error.round = round
                raise


def _step_with(
    model: Module, loss: Loss, tensors: dict[str, Tensor], grads: dict[str, Tensor], input: Tensor, target: Tensor
) -> tuple[Tensor, Tensor]:
    """Add the gradients on a batch, with other tensors in the model's places, to ``grads``."""
    for name, grad in grads.items():
        tensors[name].grad = grad
    with standing_in(model, tensors):
        before = attributes(model, loss)
        prediction = model(input)
        value = loss(prediction, target)
        model.backward_parameters(loss.backward())
        refuse_changed(before, attributes(model, loss))
    return prediction, value


def _refuse_unlike(models: Sequence[Module], losses: Sequence[Loss], optimizers: Sequence[Optimizer]) -> None:
    """Raise unless the trainings differ in the numbers of their tensors and the settings of their optimizers alone."""
    if len({(kind_of(model), kind_of(loss)) for model, loss in zip(models, losses, strict=True)}) > 1:
        raise NotRecordable("they differ in more than their numbers")
    if [list(map(id, model.parameters())) for model in models] != [list(map(id, o.parameters)) for o in optimizers]:
        raise NotRecordable("an optimizer has not just the parameters of its model")
    if len({(parameter.dtype, parameter.device) for parameter in optimizers[0].parameters}) > 1:
        raise NotRecordable("parameters are of several dtypes or devices")
    if sum(parameter.numel() for parameter in optimizers[0].parameters) > LARGEST:
        raise NotRecordable("models this large keep the processor busy alone")
    if not all(optimizer.is_ordinary() for optimizer in optimizers):
        raise NotRecordable("an optimizer has a step of its own")


def _joint(optimizers: Sequence[Optimizer]) -> Optimizer | None:
    """Return one optimizer over the parameters of all, if its rule treats every number and every model alike."""
    first = optimizers[0]
    if not first.elementwise or any(optimizer.settings() != first.settings() for optimizer in optimizers):
        return None
    joint = first.over([parameter for optimizer in optimizers for parameter in optimizer.parameters])
    states = [state for optimizer in optimizers for state in optimizer.state_dict()["states"]]
    joint.load_state_dict({**first.state_dict(), "states": states})
    return joint
