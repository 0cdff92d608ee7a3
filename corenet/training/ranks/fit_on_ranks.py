"""fit with distributed=True: one training by several processes, each with its rows of every batch."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from math import ceil
from pathlib import Path

import torch.distributed as dist

from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.history import History
from corenet.streamed_data import StreamedDataset
from corenet.training.callbacks import Callbacks
from corenet.training.engines.cpu.engine import CFunctions
from corenet.training.engines.recording.lowering import KernelCalls
from corenet.training.engines.recording.recorder import Lowering, Recorder
from corenet.training.engines.select import refuse_unknown_engine, refuse_without_compiler
from corenet.training.engines.select_steady import fastest
from corenet.training.engines.unsupported import NotRecordable, Reporter
from corenet.training.epoch_metrics import Measures
from corenet.training.fit_steadily import Saving, Settings, identity_of, tell
from corenet.training.going_on.checkpoints import Checkpoints, Found
from corenet.training.going_on.folder import Folder
from corenet.training.learner import Learner
from corenet.training.progress import say
from corenet.training.ranks.engine import Ranks
from corenet.training.ranks.measuring import computing_of
from corenet.training.ranks.row_draws import Draw
from corenet.training.ranks.sameness import refuse_others, told_of
from corenet.training.ranks.sharing import draws_of, refuse_too_many
from corenet.training.ranks.training import NotWritten, RanksTraining
from corenet.training.ranks.world import World

DRAWS = NotRecordable("the model draws random numbers, of which each rank draws those of the whole batch")


def fit_on_ranks(
    world: World,
    learner: Learner,
    train: Dataset,
    valid: Dataset | None,
    epochs: range,
    *,
    measures: Measures,
    callbacks: Callbacks,
    settings: Settings,
    saving: Saving | None,
    progress: bool | None,
) -> History:
    """Train for ``epochs`` as one of several ranks, and return the history of all.

    Raises:
        ConfigError: the ranks differ, are too many, or their parts of a batch do not add up to its step.
        RankError: another rank has ended, or does not come.
    """
    refuse_too_many(world.size, train, settings.batch_size)
    who = identity_of(learner, train, valid, epochs, measures, callbacks, settings)
    refuse_others(world, told_of(learner, train, who, epochs))
    refuse_one_device(world, train)
    _refuse_settings(settings)
    sample = Dataset(train.inputs, train.targets) if isinstance(train, StreamedDataset) else train
    draws = draws_of(learner, sample, settings.batch_size)
    measures.computed_by(computing_of(world, learner.model, sample.inputs))
    shown = progress if world.is_first else False
    recorder = _recorder(learner, train, len(epochs), draws, settings, shown)
    engine = Ranks(learner, world, draws, recorder, settings.skips)
    read = train.shared_by(world) if isinstance(train, StreamedDataset) else train

    def train_it(checkpoints: Checkpoints | None = None, found: Found | None = None) -> History:
        asked = engine, read, settings.batch_size, settings.seed, measures, callbacks
        return RanksTraining(*asked, checkpoints, found, world).run(epochs, shown)

    if saving is None:
        return train_it()
    kind = Checkpoints if world.is_first else NotWritten
    folder = Folder(saving.folder, saving.keep)
    checkpoints = kind(folder, saving.every, who, epochs.stop, settings.seed, settings.batch_size)
    if not world.is_first:
        return train_it(checkpoints, _read(world, checkpoints, learner))
    with folder.owned():
        found = _read(world, checkpoints, learner)
        if found is not None:
            tell(found, checkpoints, settings.batch_size, progress)
        return train_it(checkpoints, found)


def refuse_one_device(world: World, train: Dataset) -> None:
    """Refuse two ranks that are on one CUDA device, which nccl cannot be, and ranks without nccl.

    Raises:
        ConfigError: so it is.
    """
    device = train.device
    if device.type == "cpu":
        return
    if device.type != "cuda" or not dist.is_nccl_available():
        text = f"there is no backend for ranks on {device.type!r}: gloo is for the processor, nccl for CUDA"
        raise ConfigError(f"distributed: {text}", name="distributed")
    ranks = world.gathered(f"{device} of {platform.node()}")
    for rank, each in enumerate(ranks):
        if each in ranks[:rank]:
            text = f"ranks {ranks.index(each)} and {rank} are both on {each}; each takes cuda:LOCAL_RANK"
            raise ConfigError(f"distributed: {text}", name="distributed")


def _refuse_settings(settings: Settings) -> None:
    if settings.micro_batch_size is not None:
        text = "ranks take no batches in pieces; leave micro_batch_size out"
        raise ConfigError(f"distributed: {text}", name="micro_batch_size")
    refuse_unknown_engine(settings.engine)
    if settings.engine == "graph":
        raise ConfigError("distributed: engine 'graph' keeps its steps whole; leave engine out", name="engine")


def _recorder(
    learner: Learner, train: Dataset, epochs: int, draws: Sequence[Draw], settings: Settings, shown: bool | None
) -> Recorder | None:
    """Return what records the gradients of a rank's rows, or None for plain steps."""
    reporter, name = Reporter(asked_by_name=settings.engine != "auto"), settings.engine
    if name == "auto":
        name = fastest(train, epochs * ceil(len(train) / settings.batch_size), reporter)
    if name == "plain":
        return None
    if draws:
        reporter.fallback(f"engine 'plain' runs, not {name!r}", DRAWS)
        if settings.engine == "auto":
            say(shown, f"steps are plain: {DRAWS}")
        return None
    lowerings: list[Lowering] = [KernelCalls()]
    if name == "compiled":
        refuse_without_compiler()
        lowerings.insert(0, CFunctions())
    return Recorder(learner, lowerings, reporter)


def _read(world: World, checkpoints: Checkpoints, learner: Learner) -> Found | None:
    """Return what the first rank goes on from, which each reads."""
    found = checkpoints.read(learner) if world.is_first else None
    path = world.told("" if found is None else str(found.path))
    if found is None and path:
        found = checkpoints.read_from(Path(path), learner)
    return found
