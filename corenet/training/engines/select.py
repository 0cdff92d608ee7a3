"""Which engine trains: the one asked for by name, or the one that pays."""

from __future__ import annotations

from math import ceil
from typing import Literal, get_args

from corenet.data import Dataset
from corenet.errors import ConfigError, did_you_mean
from corenet.training.engines.cpu.cc import compiler
from corenet.training.engines.cpu.engine import Compiled
from corenet.training.engines.cuda.capture import device_of
from corenet.training.engines.cuda.engine import Graph
from corenet.training.engines.engine import Engine
from corenet.training.engines.memory_estimate import affordable
from corenet.training.engines.microbatch import MicroBatch
from corenet.training.engines.plain import Plain
from corenet.training.engines.replay import Replay
from corenet.training.engines.unsupported import NotRecordable, Reporter
from corenet.training.learner import Learner

EngineName = Literal["auto", "plain", "replay", "compiled", "graph"]
ENGINES: tuple[str, ...] = get_args(EngineName)
RECORDED_FROM = 100  # steps a shape of batches: a recording and its verification cost what they save in fewer
COMPILED_FROM = 10_000  # steps: compiling takes a second, and saves a tenth of a millisecond a step
WIDE = 9e6  # products of a point and a weight: a tenth of their time is as much as is saved otherwise
HEAVY = 4.5e8  # such products: twenty plain steps of them, to verify compiled ones by, take as long as compiling


def engine_for(
    name: str,
    learner: Learner,
    train: Dataset,
    *,
    epochs: int,
    batch_size: int,
    micro_batch_size: int | None = None,
) -> Engine:
    """Return the engine called ``name``; ``"auto"`` is the fastest that this training earns back.

    Raises:
        ConfigError: there is no such engine, it cannot run here, or it does not take batches in pieces.
    """
    if name not in ENGINES:
        raise ConfigError(
            f"engine must be {', '.join(map(repr, ENGINES[:-1]))} or {ENGINES[-1]!r}, not {name!r}"
            f"{did_you_mean(str(name), ENGINES)}",
            name="engine",
            value=name,
        )
    if micro_batch_size is not None:
        refuse_micro_batches(name, learner)
    if name == "auto" and micro_batch_size is None:
        micro_batch_size = affordable(learner, train.inputs, train.targets, min(batch_size, len(train)))
    if micro_batch_size is not None:
        return MicroBatch(learner, micro_batch_size)
    if name != "auto":
        return named_engine(name, learner, train)
    steps = epochs * ceil(len(train) / batch_size)
    shapes = 2 if len(train) % batch_size and len(train) > batch_size else 1
    if steps < RECORDED_FROM * shapes:
        return Plain(learner)
    # Never "graph": those who wrote it never ran it on a CUDA device.
    return Compiled(learner) if pays_to_compile(steps, batch_size, learner, train) else Replay(learner)


def named_engine(name: str, learner: Learner, train: Dataset) -> Engine:
    """Return an engine that was asked for by name, whose fallbacks are warnings.

    Raises:
        ConfigError: it cannot run here.
    """
    reporter = Reporter(asked_by_name=True)
    if name == "compiled":
        if compiler() is None:
            raise ConfigError("engine 'compiled' needs a C compiler; install one as cc, or set CC", name="engine")
        return Compiled(learner, reporter)
    if name == "graph":
        refuse_without_cuda(learner, train)
        return Graph(learner, reporter)
    return Replay(learner, reporter) if name == "replay" else Plain(learner)


def refuse_micro_batches(name: str, learner: Learner) -> None:
    """Raise :class:`ConfigError` where batches cannot be taken in pieces."""
    if not hasattr(learner.loss, "reduction"):
        raise ConfigError(
            f"micro_batch_size: {learner.loss!r} has no reduction, so it is not known how its pieces add up",
            name="micro_batch_size",
        )
    if name not in ("auto", "plain"):
        raise ConfigError(f"engine {name!r} keeps all of a batch; leave micro_batch_size out", name="micro_batch_size")


def refuse_without_cuda(learner: Learner, train: Dataset) -> None:
    """Raise :class:`ConfigError` unless model and data are on one CUDA device, for a graph of its kernels."""
    try:
        device_of([*learner.optimizer.parameters, train.inputs, train.targets])
    except NotRecordable as error:
        raise ConfigError(
            f"engine 'graph': {error}; move model and data there with .to('cuda'), or leave engine out", name="engine"
        ) from error


def pays_to_compile(steps: int, batch_size: int, learner: Learner, train: Dataset) -> bool:
    """Tell whether so many steps earn back what a compiled one costs, where there can be one."""
    weights = sum(parameter.numel() for parameter in learner.optimizer.parameters)
    products = min(batch_size, len(train)) * weights
    pays = steps * (1 + products / WIDE) >= COMPILED_FROM * (1 + products / HEAVY)
    return pays and train.inputs.is_cpu and compiler() is not None
