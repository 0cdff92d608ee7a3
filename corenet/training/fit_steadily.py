"""A training that is saved as it goes, and goes on from where it was saved; or that skips steps."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corenet.data import Dataset
from corenet.errors import CheckpointWarning
from corenet.history import History
from corenet.training.callbacks import Callbacks
from corenet.training.engines.select_steady import steady_engine
from corenet.training.epoch_metrics import Measures
from corenet.training.going_on.checkpoints import Checkpoints, Found
from corenet.training.going_on.environment import differences
from corenet.training.going_on.every import Every
from corenet.training.going_on.folder import Folder
from corenet.training.going_on.identity import identity
from corenet.training.learner import Learner
from corenet.training.progress import say
from corenet.training.steady_loop import SteadyTraining


@dataclass(frozen=True)
class Settings:
    """What governs the steps of a training."""

    batch_size: int
    seed: int
    engine: str
    micro_batch_size: int | None
    skips: bool
    exchange_every: int = 1

    def told(self) -> dict[str, Any]:
        """Return them as the identity of a training has them; an exchange at each step is no training of its own."""
        return {name: value for name, value in asdict(self).items() if (name, value) != ("exchange_every", 1)}


@dataclass(frozen=True)
class Saving:
    """Where a training is saved, how often, and how many checkpoints stay."""

    folder: Path
    every: Every
    keep: int


def fit_steadily(
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
    """Train for ``epochs``, those that a checkpoint has already left out, and return the history of all."""

    def training(checkpoints: Checkpoints | None = None, found: Found | None = None) -> SteadyTraining:
        engine = steady_engine(
            settings.engine,
            learner,
            train,
            epochs=len(epochs),
            batch_size=settings.batch_size,
            micro_batch_size=settings.micro_batch_size,
            skips=settings.skips,
            ran=found.engine if found else None,
            has_loops=found is None or found.has_loops,
        )
        asked = engine, train, settings.batch_size, settings.seed, measures, callbacks
        return SteadyTraining(*asked, checkpoints, found)

    if saving is None:
        return training().run(epochs, progress)
    who = identity_of(learner, train, valid, epochs, measures, callbacks, settings)
    folder = Folder(saving.folder, saving.keep)
    with folder.owned():
        checkpoints = Checkpoints(folder, saving.every, who, epochs.stop, settings.seed, settings.batch_size)
        found = checkpoints.read(learner)
        if found is not None:
            tell(found, checkpoints, settings.batch_size, progress)
        return training(checkpoints, found).run(epochs, progress)


def identity_of(
    learner: Learner,
    train: Dataset,
    valid: Dataset | None,
    epochs: range,
    measures: Measures,
    callbacks: Callbacks,
    settings: Settings,
) -> str:
    """Return which training it is."""
    named = {"callbacks": callbacks.names(), "metrics": measures.names}
    return identity(learner, train, valid, initial_epoch=epochs.start, **named, **settings.told())


def tell(found: Found, checkpoints: Checkpoints, batch_size: int, progress: bool | None) -> None:
    """Say that a training goes on, and what may let its last digits be others."""
    say(progress, f"going on from {found.position.where(batch_size)}, as saved in {found.path}")
    if other := differences(found.environment, checkpoints.environment):
        text = f"{found.path} goes on elsewhere, which is not bit for bit: {other}"
        warnings.warn(text, CheckpointWarning, stacklevel=4)
