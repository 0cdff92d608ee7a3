"""A run trained by several ranks: the first makes its folder, and the others train along."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from corenet.experiments.building import callbacks_of
from corenet.experiments.experiment import Experiment, Recipe
from corenet.experiments.parts import Parts
from corenet.experiments.run_folder import CHECKPOINT, HISTORY
from corenet.experiments.training import begun, trained
from corenet.registry.named import class_of
from corenet.training.ranks.joining import world_of_now


def round_of(recipe: Recipe, number: int) -> Recipe:
    """Return the recipe of one round of several, counted from 0."""
    return recipe if recipe.rounds == 1 else replace(recipe, rounds=1, seed=recipe.seed + number)


def announce(number: int, folder: Path) -> None:
    """Tell the other ranks, if there are any, which round is trained now, and into which folder."""
    if (world := world_of_now()) is not None:
        world.told(json.dumps([number, str(folder)]))


def announce_end() -> None:
    """Tell the other ranks, if there are any, that no round is left."""
    if (world := world_of_now()) is not None:
        world.told("")


def train_along(chosen: Experiment, data: Sequence[Parts]) -> None:
    """Train what the first rank announces, round by round, and write nothing.

    Raises:
        RankError: the first rank has ended.
    """
    world = world_of_now()
    assert world is not None, "there are ranks"
    while words := world.told(""):
        number, folder = json.loads(words)
        recipe, parts = round_of(chosen.recipe, number), data[number]
        round = begun(recipe, parts, chosen.folder)
        logger = class_of("callback", "jsonl_logger")(Path(folder, HISTORY))  # which the first rank alone calls
        trained(recipe, round, [*callbacks_of(recipe, parts), logger], Path(folder, CHECKPOINT), False)
