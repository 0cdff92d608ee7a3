"""How much memory a step takes, and whether it may be taken in pieces: found out on a few points."""

from __future__ import annotations

import torch
from torch import Tensor

from corenet.contracts.loss import ElementwiseLoss, Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.training.engines.microbatch import gradients_in_pieces
from corenet.training.engines.recording.op_log import memory
from corenet.training.engines.recording.recorded_step import agree, buffers, left_as_they_are, taped
from corenet.training.step import gradients

POINTS = 4
LARGE = 256 * 2**20  # bytes of a step that is worth cutting
PIECE = 64 * 2**20  # bytes of a piece: several matrix products still keep the processor busy


def affordable(
    model: Module, loss: Loss, optimizer: Optimizer, input: Tensor, target: Tensor, batch_size: int
) -> int | None:
    """Return how many points to take at a time if the step of a batch is large and its pieces add up to it."""
    if batch_size <= POINTS or len(input) < POINTS or batch_size * _guessed(optimizer, input) < LARGE:
        return None  # small beyond doubt, so nobody's forward has to be called to find out
    if type(loss).forward is not ElementwiseLoss.forward or type(loss).backward is not ElementwiseLoss.backward:
        return None  # of any other, some batches may add up and others not
    input, target = input[:POINTS], target[:POINTS]
    try:
        with left_as_they_are(model, loss):
            size = _bytes_per_point(model, loss, input, target)
            if size * batch_size < LARGE or not _adds_up(model, loss, optimizer, input, target):
                return None
    except Exception:  # noqa: BLE001 - so few points may be too few for a model; training will say what is wrong
        model.forget()
        return None
    return max(1, int(PIECE / size))


def _guessed(optimizer: Optimizer, input: Tensor) -> float:
    """Return a generous guess of the bytes that a step makes for each point, from the shapes alone."""
    widths = sum(parameter.shape[0] for parameter in optimizer.parameters if parameter.dim() > 1)
    return 10 * input.element_size() * (widths + input[0].numel())


def _bytes_per_point(model: Module, loss: Loss, input: Tensor, target: Tensor) -> float:
    """Return by how much the memory of all that a step makes grows with each point."""
    half = len(input) // 2
    return (_bytes(model, loss, input, target) - _bytes(model, loss, input[:half], target[:half])) / (len(input) - half)


def _bytes(model: Module, loss: Loss, input: Tensor, target: Tensor) -> int:
    operations, _, _ = taped(model, loss, input, target)
    results = [each.result for each in operations if isinstance(each.result, Tensor)]
    return sum({memory(each): each.untyped_storage().nbytes() for each in results}.values())


def _adds_up(model: Module, loss: Loss, optimizer: Optimizer, input: Tensor, target: Tensor) -> bool:
    """Tell whether the gradients of two halves add up to those of the whole, and nothing else moves."""
    state = [torch.get_rng_state(), *buffers(model)]
    before = [tensor.clone() for tensor in state]
    value = gradients(model, loss, optimizer, input, target)
    whole = [value, *map(_sample, optimizer.gradients())]
    if not all(map(torch.equal, [torch.get_rng_state(), *buffers(model)], before)):
        return False
    value = gradients_in_pieces(model, loss, optimizer, input, target, len(input) // 2)
    return all(map(agree, [value, *map(_sample, optimizer.gradients())], whole))


def _sample(gradient: Tensor) -> Tensor:
    """Return a copy of some thousand elements from all over a gradient: all of it would be memory again."""
    return gradient.reshape(-1)[:: max(1, gradient.numel() // 10_000)].clone()
