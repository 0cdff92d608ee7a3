"""Which engine trains: what the user asked for, or what pays."""

from __future__ import annotations

from math import ceil
from typing import Literal, get_args

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.data import Dataset
from corenet.errors import ConfigError, did_you_mean
from corenet.training.engines.cpu.cc import compiler
from corenet.training.engines.cpu.engine import Compiled
from corenet.training.engines.cuda.capture import card_of
from corenet.training.engines.cuda.engine import Graph
from corenet.training.engines.engine import Engine
from corenet.training.engines.memory_estimate import affordable
from corenet.training.engines.microbatch import Micro
from corenet.training.engines.plain import Plain
from corenet.training.engines.recording.op_log import NotRecordable
from corenet.training.engines.replay import Replay

EngineName = Literal["auto", "plain", "replay", "compiled", "graph"]
ENGINES: tuple[str, ...] = get_args(EngineName)
EARNED_BACK = 100  # steps: a recording of one shape of a batch, and its proof, cost what they save in fewer
COMPILED_BACK = 10_000  # steps: compiling takes a second, and saves a tenth of a millisecond a step
WIDE = 9e6  # products of a point and a weight: a tenth of their time is as much as is saved otherwise
HEAVY = 4.5e8  # such products: twenty plain steps of them, to prove compiled ones by, take as long as compiling


def engine_for(
    name: str,
    model: Module,
    loss: Loss,
    optimizer: Optimizer,
    train: Dataset,
    *,
    epochs: int,
    batch_size: int,
    micro_batch_size: int | None = None,
) -> Engine:
    """Return the engine called ``name``; ``"auto"`` is the fastest that this training earns back.

    Raises:
        ConfigError: there is no such engine, or it does not take batches in pieces.
    """
    if name not in ENGINES:
        raise ConfigError(
            f"engine must be {', '.join(map(repr, ENGINES[:-1]))} or {ENGINES[-1]!r}, not {name!r}"
            f"{did_you_mean(str(name), ENGINES)}",
            name="engine",
            value=name,
        )
    if micro_batch_size is not None and not hasattr(loss, "reduction"):
        raise ConfigError(
            f"micro_batch_size: {loss!r} has no reduction, so it is not known how its pieces add up",
            name="micro_batch_size",
        )
    if micro_batch_size is not None and name in ("replay", "compiled", "graph"):
        raise ConfigError(f"engine {name!r} keeps all of a batch; leave micro_batch_size out", name="micro_batch_size")
    if name == "compiled" and compiler() is None:
        raise ConfigError("engine 'compiled' needs a C compiler; install one as cc, or set CC", name="engine")
    if name == "graph":
        refuse_without_card(optimizer, train)
    if name == "auto" and micro_batch_size is None:
        micro_batch_size = affordable(model, loss, optimizer, train.inputs, train.targets, min(batch_size, len(train)))
    if micro_batch_size is not None:
        return Micro(model, loss, optimizer, micro_batch_size)
    steps = epochs * ceil(len(train) / batch_size)
    shapes = 2 if len(train) % batch_size and len(train) > batch_size else 1
    if name == "plain" or (name == "auto" and steps < EARNED_BACK * shapes):
        return Plain(model, loss, optimizer)
    if name == "graph":  # which "auto" never takes: it was never run on a card by those who wrote it
        return Graph(model, loss, optimizer)
    if name == "compiled" or (name == "auto" and pays_to_compile(steps, batch_size, optimizer, train)):
        return Compiled(model, loss, optimizer)
    return Replay(model, loss, optimizer)


def refuse_without_card(optimizer: Optimizer, train: Dataset) -> None:
    """Raise :class:`ConfigError` unless model and data are on one CUDA device, for a graph of its kernels."""
    try:
        card_of([*optimizer.parameters, train.inputs, train.targets])
    except NotRecordable as reason:
        raise ConfigError(
            f"engine 'graph': {reason}; move model and data there with .to('cuda'), or leave engine out", name="engine"
        ) from reason


def pays_to_compile(steps: int, batch_size: int, optimizer: Optimizer, train: Dataset) -> bool:
    """Tell whether so many steps earn back what a compiled one costs, where there can be one."""
    products = min(batch_size, len(train)) * sum(parameter.numel() for parameter in optimizer.parameters)
    pays = steps * (1 + products / WIDE) >= COMPILED_BACK * (1 + products / HEAVY)
    return pays and train.inputs.is_cpu and compiler() is not None
