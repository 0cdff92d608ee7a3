"""fit with distributed=True: one training by several processes, each with its rows of every batch."""

from __future__ import annotations

import platform
from pathlib import Path

import torch.distributed as dist

from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.history import History
from corenet.streamed_data import StreamedDataset
from corenet.training.callbacks import Callbacks
from corenet.training.epoch_metrics import Measures
from corenet.training.fit_steadily import Saving, Settings, identity_of, tell
from corenet.training.going_on.checkpoints import Checkpoints, Found
from corenet.training.going_on.folder import Folder
from corenet.training.learner import Learner
from corenet.training.ranks.measuring import computing_of
from corenet.training.ranks.sameness import refuse_others, told_of
from corenet.training.ranks.select import engine_of_rank
from corenet.training.ranks.sharing import refuse_too_many
from corenet.training.ranks.training import NotWritten, RanksTraining
from corenet.training.ranks.world import World


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
    shown = progress if world.is_first else False
    engine = engine_of_rank(world, learner, train, len(epochs), settings, shown)
    measures.computed_by(computing_of(world, learner.model, train.inputs))
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


def _read(world: World, checkpoints: Checkpoints, learner: Learner) -> Found | None:
    """Return what the first rank goes on from, which each reads."""
    found = checkpoints.read(learner) if world.is_first else None
    path = world.told("" if found is None else str(found.path))
    if found is None and path:
        found = checkpoints.read_from(Path(path), learner)
    return found
