"""The rounds of an experiment: each trained on its own data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.data import Dataset
from corenet.errors import ConfigError
from corenet.experiments.building import build, callbacks_of
from corenet.experiments.experiment import Experiment, Recipe
from corenet.experiments.parts import Parts
from corenet.history import History
from corenet.training.metrics import classes, predict
from corenet.training.rounds import train_rounds


@dataclass(frozen=True)
class Round:
    """One trained model, what trained it, its history, and its data."""

    model: Module
    loss: Loss
    optimizer: Optimizer
    history: History
    parts: Parts

    @property
    def test(self) -> Dataset:
        """The points that the result is measured on."""
        if self.parts.test is None:
            raise ConfigError("this round has no test part")
        return self.parts.test

    def output(self, points: Tensor) -> Tensor:
        """Return the model's output at raw points ``(N, 2)``, one row a point."""
        points, by = points.to(self.parts.train.device), self.parts.statistics
        return predict(self.model, points if by is None else by.normalize(points))

    def true(self) -> Tensor:
        """Return for each test point whether it is of the second class."""
        return classes(self.test.targets, self.test.targets).reshape(-1).bool()

    def predicted(self, points: Tensor) -> Tensor:
        """Return for each raw point whether the model puts it in the second class."""
        return classes(self.output(points), self.test.targets).reshape(-1).bool()


@dataclass(frozen=True)
class _Factory:
    """Builds what a round trains; a class, so that another process can be told of it."""

    recipe: Recipe
    data: Sequence[Parts]
    folder: Path

    def __call__(self, round: int) -> tuple[Module, Loss, Optimizer]:
        return build(self.recipe, self.data[round], self.folder)


def trained(
    recipe: Recipe, data: list[Parts], experiment: Experiment, progress: bool | None, workers: int
) -> list[Round]:
    """Train all rounds of a recipe on their data, and return them in order."""
    # Where nothing is selected by what is looked at, curves show what is tested.
    watched = [parts.test if "draw" in recipe.data else parts.valid or parts.test for parts in data]
    trained = train_rounds(
        _Factory(recipe, data, experiment.folder),
        [parts.train for parts in data],
        None if None in watched else watched,  # type: ignore[arg-type]  # none is None
        rounds=recipe.rounds,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        metrics=recipe.metrics,
        callbacks=callbacks_of(recipe, data[0]),
        progress=progress,
        engine=recipe.engine,
        workers=workers,
    )
    return [
        Round(learner.model, learner.loss, learner.optimizer, history, parts)
        for (learner, history), parts in zip(trained, data, strict=True)
    ]
