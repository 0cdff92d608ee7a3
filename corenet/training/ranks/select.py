"""Which engine trains as one of several ranks, and what of a training they cannot share out."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from corenet.contracts.loss import averages
from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.streamed_data import StreamedDataset
from corenet.training.engines.cpu.engine import CFunctions
from corenet.training.engines.engine import Engine
from corenet.training.engines.recording.lowering import KernelCalls
from corenet.training.engines.recording.recorded_update import refuse_what_is_kept_elsewhere
from corenet.training.engines.recording.recorder import Lowering, Recorder
from corenet.training.engines.select import refuse_unknown_engine, refuse_without_compiler
from corenet.training.engines.select_steady import fastest, ready
from corenet.training.engines.unsupported import NotRecordable, Reporter
from corenet.training.fit_steadily import Settings
from corenet.training.learner import Learner
from corenet.training.progress import say
from corenet.training.ranks.engine import Ranks
from corenet.training.ranks.local_sgd import LocalSGD
from corenet.training.ranks.row_draws import Draw
from corenet.training.ranks.sharing import draws_of, refuse_what_does_not_add_up
from corenet.training.ranks.world import World

DRAWS = NotRecordable("the model draws random numbers, of which each rank draws those of the whole batch")


def engine_of_rank(
    world: World, learner: Learner, train: Dataset, epochs: int, settings: Settings, shown: bool | None
) -> Engine:
    """Return the engine of a rank.

    Raises:
        ConfigError: the parts of a batch do not add up to its step, or the settings are none for ranks.
    """
    _refuse_settings(settings)
    sample = Dataset(train.inputs, train.targets) if isinstance(train, StreamedDataset) else train
    steps, reporter = epochs * ceil(len(train) / settings.batch_size), Reporter(settings.engine != "auto")
    name = settings.engine if settings.engine != "auto" else fastest(train, steps, reporter)
    if settings.exchange_every > 1:
        _refuse_what_has_no_mean(learner)
        refuse_what_does_not_add_up(learner, sample, settings.batch_size)
        return LocalSGD(ready(name, learner, train, reporter), world, settings.exchange_every, settings.skips)
    draws = draws_of(learner, sample, settings.batch_size)
    return Ranks(learner, world, draws, _recorder(name, learner, draws, settings, reporter, shown), settings.skips)


def _refuse_settings(settings: Settings) -> None:
    if settings.micro_batch_size is not None:
        text = "ranks take no batches in pieces; leave micro_batch_size out"
        raise ConfigError(f"distributed: {text}", name="micro_batch_size")
    refuse_unknown_engine(settings.engine)
    if settings.engine == "graph":
        raise ConfigError("distributed: engine 'graph' keeps its steps whole; leave engine out", name="engine")
    if settings.engine == "compiled":
        refuse_without_compiler()


def _refuse_what_has_no_mean(learner: Learner) -> None:
    """Refuse a loss of which a rank's part is smaller than the whole, and a rule whose state cannot be averaged."""
    if not averages(learner.loss):
        text = f"{learner.loss!r} is no mean, so the step of a rank on its rows alone would be smaller than that of all"
        raise ConfigError(f'exchange_every: {text}; give it reduction="mean"', name="exchange_every")
    try:
        refuse_what_is_kept_elsewhere(learner.optimizer)
    except NotRecordable as reason:
        text = f"{reason}, so ranks could not average it; leave exchange_every out"
        raise ConfigError(f"exchange_every: {text}", name="exchange_every") from reason


def _recorder(
    name: str, learner: Learner, draws: Sequence[Draw], settings: Settings, reporter: Reporter, shown: bool | None
) -> Recorder | None:
    """Return what records the gradients of a rank's rows, or None for plain steps."""
    if name == "plain":
        return None
    if draws:
        reporter.fallback(f"engine 'plain' runs, not {name!r}", DRAWS)
        if settings.engine == "auto":
            say(shown, f"steps are plain: {DRAWS}")
        return None
    lowerings: list[Lowering] = [KernelCalls()]
    if name == "compiled":
        lowerings.insert(0, CFunctions())
    return Recorder(learner, lowerings, reporter)
