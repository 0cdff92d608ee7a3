"""Writing an experiment as a file that says everything, what it left out included."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomlkit

from corenet.experiments.experiment import Experiment, Recipe
from corenet.experiments.parts import is_set
from corenet.files import write_bytes, write_text


def write(path: Path, experiment: Experiment, recipe: Recipe) -> None:
    """Write the file of a recipe to ``path``: a table that it names stays where it is, Python files are copied along.

    Raises:
        OutputError: the folder cannot be written.
    """
    data = dict(recipe.data)
    if "source" in data and not is_set(data["source"]):
        data["source"] = Path(os.path.relpath(experiment.folder / data["source"], path.parent)).as_posix()
    for said in (recipe.data, recipe.network):
        if "make" in said:
            file = said["make"].partition(":")[0]
            write_bytes(path.parent / file, (experiment.folder / file).read_bytes())
    write_text(path, as_toml(experiment, replace(recipe, data=data)))


def as_toml(experiment: Experiment, recipe: Recipe) -> str:
    """Return the file of a recipe: reading it gives the same recipe, however defaults may change.

    >>> from corenet.experiments import experiment
    >>> chosen = experiment("003a")
    >>> print(*as_toml(chosen, chosen.better).splitlines()[-4:], sep="\\n")
        ["linear", 25, 25],
        ["relu"],
        ["linear", 25, 1],
    ]
    """
    told = {name: getattr(experiment, name) for name in ("title", "source", "notes") if getattr(experiment, name)}
    tables = ("data", "network")
    entries = recipe.to_dict()
    document = tomlkit.document()
    for name, value in (told | {name: value for name, value in entries.items() if name not in tables}).items():
        document.add(name, _item(value))
    for name in tables:
        table = tomlkit.table()
        for entry, value in entries[name].items():
            table.add(entry, _modules(value) if entry == "modules" else _item(value))
        document.add(name, table)
    return tomlkit.dumps(document)


def _modules(value: list[Any]) -> Any:
    """Return modules, each on a line of its own."""
    array = tomlkit.array()
    array.extend(map(_item, value))
    return array.multiline(True)


def _item(value: Any) -> Any:
    """Return a value on one line."""
    if isinstance(value, dict):
        table = tomlkit.inline_table()
        table.update({name: _item(each) for name, each in value.items()})
        return table
    if isinstance(value, list):
        array = tomlkit.array()
        array.extend(map(_item, value))
        return array
    return tomlkit.item(value)
