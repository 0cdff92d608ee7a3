"""Where a training left torch's generator, so that another one, or one from a file, goes on from there."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from torch import Tensor

from corenet.contracts.optimizer import Optimizer


@dataclass(frozen=True)
class Left:
    """Where the training by ``seed`` left the generators when ``epoch`` epochs and ``steps`` steps were done."""

    seed: int
    epoch: int
    steps: int
    states: list[Tensor]  # of the processor, and of the device that was trained on


_LEFT: WeakKeyDictionary[Optimizer, Left] = WeakKeyDictionary()


def left_by(optimizer: Optimizer) -> Left | None:
    """Return where the last training with this optimizer left the generators."""
    return _LEFT.get(optimizer)


def leave(optimizer: Optimizer, left: Left | None) -> None:
    """Let a training with this optimizer go on from there."""
    if left is None:
        _LEFT.pop(optimizer, None)
    else:
        _LEFT[optimizer] = left
