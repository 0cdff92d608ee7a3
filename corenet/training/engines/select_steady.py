"""Which engine trains where a training may be left and go on elsewhere, or skips steps."""

from __future__ import annotations

from math import ceil

from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.training.engines.cpu.cc import NO_COMPILER, compiler
from corenet.training.engines.cpu.engine import CFunctions
from corenet.training.engines.engine import Engine
from corenet.training.engines.microbatch import MicroBatch
from corenet.training.engines.plain import Plain
from corenet.training.engines.recording.lowering import KernelCalls
from corenet.training.engines.select import RECORDED_FROM, pieces_of, refuse_without_compiler
from corenet.training.engines.steady import Steady
from corenet.training.engines.unsupported import Reporter
from corenet.training.learner import Learner


def steady_engine(
    name: str,
    learner: Learner,
    train: Dataset,
    *,
    epochs: int,
    batch_size: int,
    micro_batch_size: int | None = None,
    skips: bool = False,
    ran: str | None = None,
    has_loops: bool = True,
) -> Engine:
    """Return the engine called ``name``, whose steps come to the same wherever the training goes on.

    ``"auto"`` depends on this training alone, and on no earlier one: nothing is compiled beside it. A training that
    goes on says what ``ran`` before, and whether by loops.

    Raises:
        ConfigError: there is no such engine, it cannot run here, or does not take batches in pieces.
    """
    micro_batch_size = pieces_of(name, learner, train, batch_size, micro_batch_size)
    if micro_batch_size is not None:
        return MicroBatch(learner, micro_batch_size, skips)
    if name == "graph":
        raise ConfigError(
            "engine 'graph' does not go on bit for bit and skips no step; leave engine out, or checkpoint and "
            "on_non_finite",
            name="engine",
        )
    reporter = Reporter(asked_by_name=name != "auto")
    name = ran or name
    if name == "auto":
        name = fastest(train, epochs * ceil(len(train) / batch_size), reporter)
    elif name == "compiled":
        refuse_without_compiler()
    return ready(name, learner, train, reporter, skips, has_loops)


def ready(
    name: str, learner: Learner, train: Dataset, reporter: Reporter, skips: bool = False, has_loops: bool = True
) -> Engine:
    """Return the engine of a name other than ``"auto"``, made ready on some of the data."""
    if name == "plain":
        return Plain(learner, skips)
    data = train.inputs, train.targets
    if name == "replay":
        return Steady(learner, reporter, data, skips=skips)
    functions = CFunctions()
    loop = functions.loop if has_loops else None
    return Steady(learner, reporter, data, (functions, KernelCalls()), loop, skips)


def fastest(train: Dataset, steps: int, reporter: Reporter) -> str:
    """Return the name of what is fastest over so many steps."""
    if steps < RECORDED_FROM:
        return "plain"
    if train.device.type != "cpu":
        return "replay"
    if compiler() is None:
        reporter.fallback("engine 'replay' runs, not 'compiled'", NO_COMPILER)
        return "replay"
    return "compiled"
