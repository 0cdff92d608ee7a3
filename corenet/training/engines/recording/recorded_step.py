"""A step on batches of one shape, recorded under a tape, to be replayed."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy
import torch
from torch import Tensor

from corenet.contracts.loss import ElementwiseLoss, Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import Buffer, Parameter, gradient
from corenet.contracts.tree import held
from corenet.errors import CorenetError
from corenet.training.engines.recording.guards import parts_of, refuse_changed, surroundings
from corenet.training.engines.recording.lowering import Call, program
from corenet.training.engines.recording.op_log import NotRecordable, Operation, Tape, memory
from corenet.training.engines.recording.rng_state import cards

Maker = Callable[[Sequence[Operation], Sequence[Tensor], Sequence[Tensor]], list[Call]]


@dataclass
class Recording:
    """Its own input and target, what comes of them, and the calls in between.

    It is ``proven`` once it gave another batch, with other weights, the gradients that the plain step gives it.
    """

    input: Tensor
    target: Tensor
    prediction: Tensor
    value: Tensor
    calls: Sequence[Call]
    proven: bool = False

    def replay(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the gradients on a batch and return its loss, which the next replay overwrites."""
        self.input.copy_(input)
        self.target.copy_(target)
        for call in self.calls:
            call()
        return self.value

    def takes(self, inputs: Tensor, targets: Tensor) -> bool:
        """Tell whether data lie as the batches do that were recorded."""
        pairs = [(inputs, self.input), (targets, self.target)]
        return all(
            data.dtype == own.dtype and data.device == own.device and data.is_contiguous() for data, own in pairs
        )


def record(
    model: Module, loss: Loss, optimizer: Optimizer, input: Tensor, target: Tensor, make: Maker = program
) -> Recording:
    """Compute the gradients on a batch, as the plain step does, and return how: ``make`` makes calls of a tape.

    Gradients, buffers and random numbers are moved by it.

    Raises:
        NotRecordable: something looks at its numbers, draws them in Python, or keeps some elsewhere than in
            parameters and buffers.
    """
    input, target = input.clone(), target.clone()
    seen = surroundings(model, loss)
    with nothing_drawn_in_python():
        operations, prediction, value = taped(model, loss, input, target)
    refuse_changed(seen, surroundings(model, loss))
    refuse_foreign_writes(operations, [input, target, *model.parameters(), *moved_by(model, loss)])
    gradients = list(map(gradient, optimizer.parameters))
    return Recording(input, target, prediction, value, make(operations, gradients, [prediction, value]))


def taped(model: Module, loss: Loss, input: Tensor, target: Tensor) -> tuple[list[Operation], Tensor, Tensor]:
    """Add the gradients on a batch to what is there, and return each operation, the prediction, and the loss."""
    with unchecked(loss), Tape() as tape:
        prediction = model(input)
        value = loss(prediction, target)
        model.backward_parameters(loss.backward())
    return tape.operations, prediction, value


@contextmanager
def left_as_they_are(model: Module, loss: Loss) -> Iterator[None]:
    """Put back afterwards what a trial moves: attributes, buffers, gradients, and random numbers."""
    attributes = [(vars(part), dict(vars(part))) for part in parts_of(model, loss)]
    with same_draws(), put_back(moved_by(model, loss)):
        try:
            yield
        finally:
            for now, then in attributes:
                now.clear()
                now.update(then)


@contextmanager
def put_back(tensors: Iterable[Tensor]) -> Iterator[None]:
    """Let tensors have their numbers again afterwards."""
    pairs = [(tensor, tensor.clone()) for tensor in tensors]
    try:
        yield
    finally:
        for tensor, before in pairs:
            tensor.copy_(before)


@contextmanager
def other_weights(optimizer: Optimizer, factor: float = 1.1) -> Iterator[None]:
    """Let the weights be others for a while, by ``factor`` and a little more.

    What a recording took from the weights, and keeps, shows by that; and where a training has come to its end, the
    terms of a gradient cancel out, so that at its own weights only rounding would be compared.
    """
    weights = optimizer.weights()
    with put_back(weights):
        for each in weights:
            each.mul_(factor).add_(0.1 * (factor - 1))
        yield


def refuse_foreign_writes(operations: Sequence[Operation], own: Sequence[Tensor]) -> None:
    """Refuse what writes into a tensor that no operation made and nobody holds: nothing would set it back."""
    known = set(map(memory, own))
    for each in operations:
        if each.writes and not all(memory(tensor) in known for tensor in each.results()):
            raise NotRecordable(f"{each.name} adds to a number that was made in Python")
        if not each.is_view:
            known |= set(map(memory, each.results()))


@contextmanager
def nothing_drawn_in_python() -> Iterator[None]:
    """Refuse what draws random numbers where no tape sees it."""
    before = pickle.dumps((random.getstate(), numpy.random.get_state()))
    yield
    if pickle.dumps((random.getstate(), numpy.random.get_state())) != before:
        raise NotRecordable("a component draws random numbers in Python or numpy")


def moved_by(model: Module, loss: Loss) -> list[Tensor]:
    """Return the tensors that a step may change: gradients, buffers, and whatever else is held."""
    own = [value for part in parts_of(model, loss) for _, value in held(part) if isinstance(value, Tensor)]
    return [gradient(each) if isinstance(each, Parameter) else each for each in own]


@contextmanager
def same_draws() -> Iterator[None]:
    """Let random numbers go on afterwards as if none had been drawn."""
    drawn = random.getstate(), numpy.random.get_state()
    with torch.random.fork_rng(devices=cards()):
        try:
            yield
        finally:
            random.setstate(drawn[0])
            numpy.random.set_state(drawn[1])


def buffers(model: Module) -> list[Tensor]:
    """Return the buffers of a model."""
    return [tensor for _, tensor in model.named_tensors() if isinstance(tensor, Buffer)]


@contextmanager
def unchecked(loss: Loss) -> Iterator[None]:
    """Let a loss not look at its numbers: who replays it calls its ``check`` himself."""
    before = dict(vars(loss))
    vars(loss)["check"] = _check_nothing
    try:
        yield
    finally:
        del vars(loss)["check"]
        vars(loss).update({"check": before["check"]} if "check" in before else {})


def _check_nothing(input: Tensor, target: Tensor) -> None: ...


def check_all(loss: Loss, predictions: Tensor, targets: Tensor, batch_size: int) -> None:
    """Let the loss check the outputs of many steps: at once if it looks at elements, and if that is enough for it."""
    if isinstance(loss, ElementwiseLoss):
        with suppress(CorenetError):
            loss.check(predictions.flatten(0, 1), targets)
            return
    for batch in zip(predictions, targets.split(batch_size), strict=True):
        loss.check(*batch)


def agree(replayed: Tensor, plain: Tensor) -> bool:
    """Tell whether two tensors are the same within the rounding of sums of another order."""
    if not plain.is_floating_point():
        return torch.equal(replayed, plain)
    scale = plain.abs().nan_to_num(0, 0).max().item() if plain.numel() else 0.0
    tolerance = min(100 * torch.finfo(plain.dtype).eps, 0.02)
    return torch.allclose(replayed, plain, rtol=0, atol=tolerance * scale, equal_nan=True)
