"""Which engine trains: what the user asked for, or what pays."""

from __future__ import annotations

from typing import Literal, Protocol, get_args

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.errors import ConfigError, did_you_mean
from corenet.training.engines.plain import Plain
from corenet.training.engines.replay import Replay

EngineName = Literal["auto", "plain", "replay"]
ENGINES: tuple[str, ...] = get_args(EngineName)
EARNED_BACK = 40  # steps: a recording, and its proof, cost about as much as they save in so many


class Engine(Protocol):
    """A way to train: ``name`` says what runs, which may change when something cannot be recorded."""

    name: str

    def begin_epoch(self) -> None:
        """Look around before an epoch."""

    def step(self, input: Tensor, target: Tensor) -> Tensor:
        """Do one step of training and return the loss before it."""


def engine_for(name: str, model: Module, loss: Loss, optimizer: Optimizer, steps: int) -> Engine:
    """Return the engine called ``name``; ``"auto"`` is the fastest whose start ``steps`` steps earn back.

    Raises:
        ConfigError: there is no such engine.
    """
    if name not in ENGINES:
        raise ConfigError(
            f"engine must be 'auto', 'plain' or 'replay', not {name!r}{did_you_mean(str(name), ENGINES)}",
            name="engine",
            value=name,
        )
    if name == "plain" or (name == "auto" and steps < EARNED_BACK):
        return Plain(model, loss, optimizer)
    return Replay(model, loss, optimizer)
