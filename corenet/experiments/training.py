"""One round of a recipe, trained on data that is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from corenet.data import stream
from corenet.experiments.building import build
from corenet.experiments.experiment import Recipe
from corenet.experiments.in_units import asked_of, unit_of
from corenet.experiments.parts import Parts
from corenet.experiments.rounds import Round
from corenet.history import History
from corenet.training.draws import drawing_from
from corenet.training.fit import fit
from corenet.training.ranks.joining import world_of_now


def begun(recipe: Recipe, parts: Parts, folder: Path) -> Round:
    """Return what is to be trained, with no epoch done; its weights are those of the round of this seed among several.

    Raises:
        ConfigError: a component does not accept the arguments of the recipe.
        UnknownComponentError: the recipe names a component that is not installed.
    """
    with drawing_from(stream("weights", recipe.seed), parts.train.device):
        model, loss, optimizer = build(recipe, parts, folder)
    return Round(model, loss, optimizer, History(), parts)


def trained(recipe: Recipe, round: Round, callbacks: Sequence[Any], checkpoint: Path, progress: bool | None) -> History:
    """Train what was begun, from where a checkpoint left it if there is one, and return the history.

    If this process is one of several ranks, it is one of those that train it.

    Raises:
        Interrupted: the training was stopped, and saved in the folder ``checkpoint``.
    """
    return fit(
        round.model,
        round.loss,
        round.optimizer,
        round.parts.train,
        round.parts.valid,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        metrics=None if recipe.metrics is None else asked_of(recipe.metrics, unit_of(round.parts)),
        callbacks=callbacks,
        checkpoint=checkpoint,
        progress=progress,
        distributed=world_of_now() is not None,
        engine=recipe.engine,  # type: ignore[arg-type]  # one of the engines, as was checked
        exchange_every=recipe.exchange_every,
    )
