"""Which engine trains: the one asked for by name, or the one expected to be fastest."""

from __future__ import annotations

from math import ceil, inf
from typing import Literal, get_args

from corenet.contracts.several import each_of
from corenet.data import Dataset
from corenet.errors import ConfigError, did_you_mean
from corenet.training.engines.additivity import refuse_what_does_not_add_up
from corenet.training.engines.cpu.background import BackgroundFunctions
from corenet.training.engines.cpu.cc import NO_COMPILER, compiler, is_at_work
from corenet.training.engines.cpu.engine import KEPT, Compiled
from corenet.training.engines.cuda.capture import device_of
from corenet.training.engines.cuda.engine import Graph
from corenet.training.engines.engine import Engine
from corenet.training.engines.memory_estimate import affordable
from corenet.training.engines.microbatch import MicroBatch
from corenet.training.engines.plain import Plain
from corenet.training.engines.recording.recorder import Key, first_batch
from corenet.training.engines.replay import Replay
from corenet.training.engines.unsupported import NotRecordable, Reporter
from corenet.training.learner import Learner

EngineName = Literal["auto", "plain", "replay", "compiled", "graph"]
ENGINES: tuple[str, ...] = get_args(EngineName)
RECORDED_FROM = 200  # steps a shape of batches: a recording and its verification cost what they save in fewer
RECALLED_FROM = 40  # such steps, where a like learner was trained before in this process
REPEATED_FROM = 1000  # such steps of like learners in this process, none of them long: the next ones are worth it


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
    micro_batch_size = pieces_of(name, learner, train, batch_size, micro_batch_size)
    if micro_batch_size is not None:
        return MicroBatch(learner, micro_batch_size)
    if name != "auto":
        return named_engine(name, learner, train)
    return fastest_engine(learner, train, epochs * ceil(len(train) / batch_size), batch_size)


def pieces_of(name: str, learner: Learner, train: Dataset, batch_size: int, asked: int | None) -> int | None:
    """Return in pieces of how many points batches are taken, None if they are whole.

    Raises:
        ConfigError: as :func:`engine_for`.
    """
    refuse_unknown_engine(name)
    if asked is not None:
        refuse_micro_batches(name, learner)
        if asked < min(batch_size, len(train)):
            refuse_what_does_not_add_up(learner, train, asked)
    if name == "auto" and asked is None:
        return affordable(learner, train.inputs, train.targets, min(batch_size, len(train)))
    return asked


def fastest_engine(learner: Learner, train: Dataset, steps: int, batch_size: int) -> Engine:
    """Return the engine that is fastest over so many steps, what it costs to begin included.

    It is never "graph", which those who wrote it never ran on a CUDA device.
    """
    can_compile = train.device.type == "cpu" and compiler() is not None
    if train.device.type == "cpu" and not can_compile and steps >= RECORDED_FROM:
        Reporter().fallback("engine 'replay' runs, not 'compiled'", NO_COMPILER)
    if can_compile and KEPT.has(learner):
        return Compiled(learner, functions=BackgroundFunctions())
    steps_a_shape = steps / (2 if len(train) % batch_size and len(train) > batch_size else 1)
    if steps_a_shape < RECALLED_FROM:
        return Plain(learner)
    batch = first_batch(train.inputs, train.targets, batch_size)
    is_long = steps_a_shape >= RECORDED_FROM
    if can_compile and (is_long or _is_repeated(learner, batch, steps_a_shape)):
        return Compiled(learner, functions=BackgroundFunctions())
    return Replay(learner) if is_long else Plain(learner)


def _is_repeated(learner: Learner, batch: Key, steps: float) -> bool:
    """Tell whether a loop of such learners is kept, or they did so many steps that a recording is worth it."""
    done = KEPT.steps_of(learner, batch, steps)
    return done == inf or (done >= REPEATED_FROM and not is_at_work())  # until then such a training is over


def named_engine(name: str, learner: Learner, train: Dataset) -> Engine:
    """Return an engine that was asked for by name, whose fallbacks are warnings.

    Raises:
        ConfigError: it cannot run here.
    """
    reporter = Reporter(asked_by_name=True)
    if name == "compiled":
        refuse_without_compiler()
        return Compiled(learner, reporter)
    if name == "graph":
        refuse_without_cuda(learner, train)
        return Graph(learner, reporter)
    return Replay(learner, reporter) if name == "replay" else Plain(learner)


def refuse_unknown_engine(name: object) -> None:
    """Raise :class:`ConfigError` if there is no engine of that name."""
    if name not in ENGINES:
        raise ConfigError(
            f"engine must be {', '.join(map(repr, ENGINES[:-1]))} or {ENGINES[-1]!r}, not {name!r}"
            f"{did_you_mean(str(name), ENGINES)}",
            name="engine",
            value=name,
        )


def refuse_without_compiler() -> None:
    """Raise :class:`ConfigError` where there is no C compiler."""
    if compiler() is None:
        raise ConfigError("engine 'compiled' needs a C compiler; install one as cc, or set CC", name="engine")


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
        device_of([*learner.optimizer.parameters, *each_of(train.inputs), *each_of(train.targets)])
    except NotRecordable as error:
        raise ConfigError(f"engine 'graph': {error}, or leave engine out", name="engine") from error
