"""The checkpoints of a training: written as it goes, and read where it goes on."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corenet.checkpoint.loading import fill_training
from corenet.checkpoint.saving import save_training
from corenet.contracts.draws import Left, leave
from corenet.errors import CheckpointError, CheckpointWarning, ConfigError
from corenet.history import History
from corenet.training.draws import states
from corenet.training.engines.engine import Engine
from corenet.training.engines.select import ENGINES
from corenet.training.engines.steady import Steady
from corenet.training.going_on.environment import environment
from corenet.training.going_on.every import Every
from corenet.training.going_on.folder import Folder
from corenet.training.going_on.generators import check_generators, generators
from corenet.training.going_on.identity import refuse_other
from corenet.training.going_on.position import Position
from corenet.training.learner import Learner


@dataclass(frozen=True)
class Found:
    """A training as its newest checkpoint has it: what it trains has been filled."""

    path: Path
    history: History
    position: Position
    identity: str
    engine: str
    has_loops: bool
    environment: dict[str, Any]
    callbacks: list[Any]
    generators: Any  # of random numbers, where they stood
    epoch_began: Any  # where they stood as the epoch began, if its data are drawn from them, else empty


FORMS: dict[str, type] = {
    "position": dict,
    "identity": str,
    "engine": str,
    "has_loops": bool,
    "environment": dict,
    "callbacks": list,
    "generators": dict,
    "epoch_began": dict,
}


class Checkpoints:
    """Writes and reads the checkpoints of one training.

    Args:
        folder: where they are.
        every: how often one is written.
        identity: which training it is.
        epochs: after how many it ends.
        batch_size: of its steps.
    """

    def __init__(self, folder: Folder, every: Every, identity: str, epochs: int, seed: int, batch_size: int) -> None:
        self.folder, self._every, self._identity, self._epochs = folder, every, identity, epochs
        self._seed, self._batch_size, self.environment = seed, batch_size, environment()
        self.last: Path | None = None

    def read(self, learner: Learner) -> Found | None:
        """Return the training of the newest checkpoint that is whole, None if there is none; fill ``learner`` with it.

        Raises:
            CheckpointError: there are some, and none is whole; each is named.
            ConfigError, StructureError, ShapeError, DTypeError: it is of another training, or of later than what is
                asked for; nothing was changed.
        """
        damaged: list[CheckpointError] = []
        for path in self.folder.checkpoints():
            try:
                found = self.read_from(path, learner)
            except CheckpointError as error:
                damaged.append(error)
                continue
            for each in damaged:
                warnings.warn(f"{each}; the checkpoint before it is taken", CheckpointWarning, stacklevel=4)
            return found
        if damaged:
            raise CheckpointError(
                f"no checkpoint in {self.folder.path} can be read, the newest first: {'; '.join(map(str, damaged))}; "
                "give another folder, or remove them to begin anew"
            ) from damaged[0]
        return None

    def read_from(self, path: Path, learner: Learner) -> Found:
        """Return the training of one checkpoint, and fill ``learner`` with it; it raises what :meth:`read` raises."""
        history, values = fill_training(path, learner.model, learner.loss, learner.optimizer, self._refuse)
        self.last = path
        return Found(path, history, Position.from_dict(values.pop("position")), **values)

    def _refuse(self, path: Path, values: dict[str, Any]) -> None:
        """Refuse another training before anything is filled, and what is no training of this version."""
        if values.keys() != FORMS.keys():
            raise ValueError("its training has other fields than those of this version")
        for name, form in FORMS.items():
            if type(values[name]) is not form:
                raise ValueError(f"the {name} of its training is {str(values[name])[:80]!r}")
        if values["engine"] not in ENGINES or not all(type(each) is dict for each in values["callbacks"]):
            raise ValueError("its engine or callbacks are none")
        position = Position.from_dict(values["position"])
        check_generators(values["generators"])
        check_generators(values["epoch_began"] or values["generators"])
        refuse_other(path, values["identity"], self._identity)
        if (position.epoch, position.points) > (self._epochs, 0):
            raise ConfigError(
                f"{path} is of {position.where(self._batch_size)}, later than the end of epoch {self._epochs}, where "
                "this training ends: ask for more epochs, or give another folder as checkpoint",
                name="epochs",
                value=self._epochs,
            )

    def is_due(self, epochs: int, steps: int) -> bool:
        """Tell whether it is time for the next; the counts are of this process."""
        return self._every.is_due(epochs, steps)

    def write(
        self, engine: Engine, history: History, position: Position, callbacks: list[Any], epoch_began: Any
    ) -> Path:
        """Write a checkpoint, remove older ones, and return its path.

        Raises:
            OutputError: it cannot be written.
            CheckpointError: something that a callback keeps cannot be in a file.
        """
        learner, device = engine.learner, engine.learner.optimizer.parameters[0].device
        if not position.points:
            left = Left(self._seed, position.epoch, learner.optimizer.steps, states(device))
            leave(learner.optimizer, left)
        path = self.folder.place(position.epoch, position.steps(self._batch_size))
        training = {
            "identity": self._identity,
            "position": position.to_dict(),
            "engine": engine.running,
            "has_loops": not isinstance(engine, Steady) or engine.has_loops,
            "environment": self.environment,
            "callbacks": callbacks,
            "generators": generators(device),
            "epoch_began": epoch_began or {},
        }
        save_training(path, learner.model, learner.optimizer, loss=learner.loss, history=history, training=training)
        self.last = path
        self.folder.prune()
        return path

    def written(self, epochs: int, steps: int) -> None:
        """Begin to count anew."""
        self._every.saved(epochs, steps)
