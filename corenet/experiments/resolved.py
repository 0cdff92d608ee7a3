"""A recipe with all that was decided for it: what its file left out, and what a table's columns were taken for."""

from __future__ import annotations

import inspect
import os
from dataclasses import replace
from pathlib import Path

from corenet.experiments.building import callbacks_said, loss_said
from corenet.experiments.experiment import Component, Recipe
from corenet.experiments.parts import Parts
from corenet.registry.registry import get
from corenet.registry.spec import Kind
from corenet.tables.table import Table

PLAIN = (bool, int, float, str)


def resolved(recipe: Recipe, parts: Parts, folder: Path, there: Path) -> Recipe:
    """Return the recipe with its loss, its callbacks, the numbers of each and what each column was taken for.

    A file that it names beside ``folder`` is found from the folder ``there``.
    """
    data = dict(recipe.data)
    if parts.table is not None:
        data |= {"target": parts.table.target.name, "columns": _kinds(parts.table)}
        if (folder / data["source"]).exists():
            data["source"] = _seen_from(there, folder / data["source"])
    return replace(
        recipe,
        data=data,
        loss=_whole("loss", loss_said(recipe, parts)),
        optimizer=_whole("optimizer", recipe.optimizer),
        callbacks=tuple(_whole("callback", each) for each in callbacks_said(recipe, parts)),
    )


def own_files(recipe: Recipe, folder: Path) -> list[Path]:
    """Return the Python files that a recipe names."""
    named = (recipe.data.get("make"), recipe.network.get("make"))
    return [folder / name.rpartition(":")[0] for name in dict.fromkeys(named) if name]


def _whole(kind: Kind, said: Component) -> Component:
    """Return a component with the numbers and words that its constructor takes where nothing is said."""
    named = inspect.signature(get(kind, said["name"])).parameters.values()
    return {"name": said["name"], **{each.name: each.default for each in named if type(each.default) in PLAIN}, **said}


def _kinds(table: Table) -> dict[str, str]:
    return {each.name: each.kind for each in [*table.columns, table.target]}


def _seen_from(there: Path, path: Path) -> str:
    """Return the path of a file from a folder, by which both may move together; where there is none, its own."""
    try:
        return Path(os.path.relpath(path.resolve(), there.resolve())).as_posix()
    except ValueError:  # on another drive of Windows
        return str(path.resolve())
