"""A step on batches of one shape, recorded under a tape, to be replayed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy
import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.parameter import Buffer, Parameter, gradient
from corenet.contracts.tree import held
from corenet.training.engines.program import Call, program
from corenet.training.engines.surroundings import parts_of, refuse_changed, surroundings
from corenet.training.engines.tape import Operation, Tape

Maker = Callable[[Sequence[Operation], Sequence[Tensor], Sequence[Tensor]], list[Call]]


@dataclass
class Recording:
    """Its own input and target, what comes of them, and the calls in between.

    It is ``proven`` once it gave another batch the gradients that the plain step gives it.
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
        NotRecordable: something looks at its numbers, or keeps some elsewhere than in parameters and buffers.
    """
    input, target = input.clone(), target.clone()
    seen = surroundings(model, loss)
    operations, prediction, value = taped(model, loss, input, target)
    refuse_changed(seen, surroundings(model, loss))
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
    parts = parts_of(model, loss)
    attributes = [(vars(part), dict(vars(part))) for part in parts]
    own = [value for part in parts for _, value in held(part) if isinstance(value, Tensor)]
    changing = [gradient(each) if isinstance(each, Parameter) else each for each in own]
    before = [tensor.clone() for tensor in changing]
    with same_draws():
        try:
            yield
        finally:
            for now, then in attributes:
                now.clear()
                now.update(then)
            for tensor, kept in zip(changing, before, strict=True):
                tensor.copy_(kept)


@contextmanager
def same_draws() -> Iterator[None]:
    """Let random numbers go on afterwards as if none had been drawn."""
    drawn = random.getstate(), numpy.random.get_state()
    with torch.random.fork_rng():
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


def agree(replayed: Tensor, plain: Tensor, least: float = 0.0) -> bool:
    """Tell whether two tensors are the same within the rounding of sums of another order.

    Rounding is measured by the largest number, or by ``least`` if that is more.
    """
    if not plain.is_floating_point():
        return torch.equal(replayed, plain)
    tolerance = min(100 * torch.finfo(plain.dtype).eps, 0.02)
    return torch.allclose(replayed, plain, rtol=0, atol=tolerance * max(_largest(plain), least), equal_nan=True)


def gradients_agree(replayed: Sequence[Tensor], plain: Sequence[Tensor]) -> bool:
    """Tell whether gradients are the same within rounding; where the terms of one cancel out, within that of others."""
    least = 0.1 * max(map(_largest, plain), default=0.0)
    return all(agree(own, other, least) for own, other in zip(replayed, plain, strict=True))


def _largest(tensor: Tensor) -> float:
    return tensor.abs().nan_to_num(0, 0).max().item() if tensor.numel() else 0.0
