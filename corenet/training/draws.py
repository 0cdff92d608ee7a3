"""What random layers draw in a training: the numbers of torch's generator from a seed on, epoch after epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from contextlib import contextmanager

import torch
from torch import Tensor

from corenet.contracts.draws import Left, leave, left_by
from corenet.contracts.optimizer import Optimizer
from corenet.data import stream


@contextmanager
def drawing_from(seed: int, device: torch.device) -> Iterator[None]:
    """Let torch's generator start from ``seed`` here, and go on after as if nothing had been drawn."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        _seed(seed % 2**64)
        yield


def _seed(seed: int) -> None:
    """Do as ``torch.manual_seed``, which formats the stack of its caller and keeps it where there is no device."""
    (torch.manual_seed if torch.accelerator.is_available() else torch.default_generator.manual_seed)(seed)


@contextmanager
def drawing_on(optimizer: Optimizer, seed: int, epochs: range, device: torch.device, done: Sized) -> Iterator[None]:
    """Let torch's generator stand where it does before these epochs of the training by ``seed``.

    ``done`` has in the end the epochs that were done, fewer than these if the training was stopped.

    Before the first it is seeded by ``seed``. Later it goes on from where the last training left it that ended there,
    by the same seed and with the same optimizer; if there was none, from a seed of its own.
    """
    left = left_by(optimizer)
    goes_on = left is not None and (left.seed, left.epoch, left.steps) == (seed, epochs.start, optimizer.steps)
    with drawing_from(stream("epochs", seed, epochs.start) if epochs.start else seed, device):
        if left is not None and goes_on:
            set_states(left.states, device)
        yield
        leave(optimizer, Left(seed, epochs.start + len(done), optimizer.steps, states(device)))


def states(device: torch.device) -> list[Tensor]:
    """Return where torch's generators stand: the processor's, and that of a device that is another."""
    on_device = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return [torch.get_rng_state(), *on_device]


def set_states(states: list[Tensor], device: torch.device) -> None:
    """Let torch's generators stand where :func:`states` found them."""
    processor, *on_device = states
    torch.set_rng_state(processor)
    for state in on_device:
        torch.cuda.set_rng_state(state, device)
