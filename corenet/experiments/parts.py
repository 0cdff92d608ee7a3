"""What an experiment learns from, looks at and is tested on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from corenet.data import Dataset, Statistics, stream
from corenet.errors import ConfigError
from corenet.experiments.experiment import Recipe
from corenet.experiments.own_code import function_of
from corenet.experiments.streaming import is_streamed, streamed

if TYPE_CHECKING:
    from corenet.tables.coding import TableCoding
    from corenet.tables.streaming.table import StreamedTable
    from corenet.tables.table import Table


@dataclass(frozen=True)
class Parts:
    """The data sets of a round; their table and what made numbers of its rows; what standardised points."""

    train: Dataset
    valid: Dataset | None = None
    test: Dataset | None = None
    coding: TableCoding | None = None
    statistics: Statistics | None = None
    table: Table | StreamedTable | None = None

    @property
    def named(self) -> dict[str, Dataset]:
        """The data sets that there are, by name."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: each for name, each in parts.items() if each is not None}

    @property
    def in_features(self) -> Any:
        """The number of inputs a row, or the shape of one where it has several dimensions."""
        shape = tuple(self.train.inputs.shape[1:])
        return shape[0] if len(shape) == 1 else shape

    @property
    def out_features(self) -> int:
        """The number of outputs a row that the targets call for: one a column, or one a class."""
        if self.coding is not None:
            return self.coding.out_features
        targets = self.train.targets
        return int(targets.max()) + 1 if targets.dim() == 1 else int(targets.shape[-1])

    def to(self, device: str) -> Parts:
        """Return the same data on a device."""
        valid, test = (each if each is None else each.to(device=device) for each in (self.valid, self.test))
        by = self.statistics
        statistics = by if by is None else Statistics(by.mean.to(device), by.std.to(device))
        return replace(self, train=self.train.to(device=device), valid=valid, test=test, statistics=statistics)


def rounds_of(recipe: Recipe, folder: Path) -> Iterator[Parts]:
    """Yield the data of each round, drawn or split by ``seed + r``.

    Raises:
        DataError, OutputError: a table cannot be read.
        ConfigError: a Python file does not make data sets.

    >>> from corenet.experiments import experiment
    >>> parts = next(rounds_of(experiment("003a").recipe, Path()))
    >>> parts.train, parts.test, parts.statistics is None
    (Dataset(1000 points, (2,) → (1,)), Dataset(1000 points, (2,) → (1,)), True)
    """
    data = recipe.data
    seeds = range(recipe.seed, recipe.seed + recipe.rounds)
    if "source" in data:
        if is_streamed(data, folder):
            tables = (streamed(data, folder, seed) for seed in seeds)
            yield from (Parts(t.train, t.valid, t.test, t.coding, table=t).to(recipe.device) for t in tables)
            return
        table = table_of(recipe, folder)
        yield from (_split(table, data, seed).to(recipe.device) for seed in seeds)
    elif "draw" in data:
        yield from (_drawn(data, seed).to(recipe.device) for seed in seeds)
    else:
        make = function_of(data["make"], folder)
        yield from (_made(data["make"], make(seed)).to(recipe.device) for seed in seeds)


def table_of(recipe: Recipe, folder: Path) -> Table:
    """Return the table that is learnt from."""
    from corenet.tables.table import table

    data = recipe.data
    source = data["source"] if is_set(data["source"]) else folder / data["source"]
    how = {name: data[name] for name in ("missing", "delimiter", "encoding", "header") if data[name] is not None}
    return table(source, data["target"], columns=data["columns"], **how)


def is_set(source: str) -> bool:
    """Tell whether a source is the name of a set, and no path."""
    from corenet.tables.bundled import NAMES

    return source in NAMES


def _split(table: Table, data: Any, seed: int) -> Parts:
    train, valid, test = table.split(data["valid"], data["test"], seed)
    return Parts(train, valid, test, table.coding, table=table)


def _drawn(data: Any, seed: int) -> Parts:
    from corenet.tables.toys import TOYS

    draw, points = TOYS[data["draw"]], data["points"]
    seeds = (2 * seed, stream("valid", seed), 2 * seed + 1)
    train, valid, test = (_coded(draw(points, each), data["targets"]) for each in seeds)
    if not data["normalized"]:
        return Parts(train, valid, test)
    by = train.statistics()
    return Parts(train.normalized(by), valid.normalized(by), test.normalized(by), None, by)


def _coded(data: Dataset, coding: str) -> Dataset:
    targets: Tensor = data.targets
    if coding == "sign":
        targets = 2 * targets - 1
    elif coding == "one_hot":
        targets = torch.cat([1 - targets, targets], 1)
    return Dataset(data.inputs, targets)


def _made(name: str, made: object) -> Parts:
    given = made if isinstance(made, tuple) else (made,)
    if not (len(given) == 3 and isinstance(given[0], Dataset)) or not all(
        each is None or isinstance(each, Dataset) for each in given
    ):
        raise ConfigError(
            f"{name} must return data sets (train, valid, test), of which the last two may be None, not {made!r:.80}"
        )
    return Parts(*given)
