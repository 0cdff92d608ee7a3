"""Steps that are done and taken back, from weights that do not depend on where a training stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from corenet.training.engines.optimizer_adapter import tensors_of, trained
from corenet.training.engines.recording.moving import moved_by
from corenet.training.engines.recording.restore import interrupts_deferred, restored
from corenet.training.engines.recording.rng_state import python_rng_checkpoint
from corenet.training.learner import Learner

RATE = 0.01  # of rehearsals: that of the training may be zero for now


@contextmanager
def taken_back(learner: Learner) -> Iterator[None]:
    """Let steps of a learner leave no trace: neither in numbers, nor in what is drawn after them."""
    optimizer, rewind = learner.optimizer, python_rng_checkpoint()
    steps, rate, schedule = optimizer.steps, optimizer.lr, optimizer.schedule
    rates = [dict(group.own) for group in optimizer.groups]
    with interrupts_deferred(), restored([*tensors_of(optimizer), *moved_by(learner)]):
        try:
            yield
        finally:
            optimizer.steps, optimizer.lr, optimizer.schedule = steps, rate, schedule
            for group, own in zip(optimizer.groups, rates, strict=True):
                group.data.update(own)
            rewind()


def set_stage(learner: Learner, turn: int) -> None:
    """Give a learner weights, a state and a rate for a rehearsal, the same in each process, others in each ``turn``."""
    optimizer = learner.optimizer
    torch.manual_seed(turn)
    optimizer.schedule, optimizer.lr = None, RATE
    for group in optimizer.groups:
        if "lr" in group:
            group["lr"] = RATE
    for parameter in trained(optimizer):
        parameter.copy_(_drawn_like(parameter))
    for slot in optimizer.layout.slots:
        for name, value in optimizer._init_state(slot.param, slot.group).items():
            slot.state[name].copy_(value)


def _drawn_like(parameter: Tensor) -> Tensor:
    """Return numbers of the size that layers begin with."""
    bound = 1 / max(1, parameter.shape[-1] if parameter.dim() else 1) ** 0.5
    drawn = torch.empty(parameter.shape, dtype=torch.float64).uniform_(-bound, bound)
    return drawn.to(parameter.device, parameter.dtype)
