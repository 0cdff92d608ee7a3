"""Writing an experiment as a file that says everything, what it left out included."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from corenet.experiments import toml
from corenet.experiments.experiment import Experiment, Recipe
from corenet.experiments.own_code import files_of
from corenet.experiments.parts import is_set
from corenet.files import write_bytes, write_text


def write(path: Path, experiment: Experiment, recipe: Recipe) -> None:
    """Write the file of a recipe to ``path``: a table that it names stays where it is, Python files are copied along
    with those beside them that they import.

    Raises:
        OutputError: the folder cannot be written.
    """
    data = dict(recipe.data)
    if "source" in data and not is_set(data["source"]):
        data["source"] = seen_from(path.parent, experiment.folder / data["source"])
    for said in (recipe.data, recipe.network):
        if "make" in said:
            for file in files_of(said["make"].rpartition(":")[0], experiment.folder):
                (path.parent / file).parent.mkdir(exist_ok=True, parents=True)
                write_bytes(path.parent / file, (experiment.folder / file).read_bytes())
    write_text(path, as_toml(experiment, replace(recipe, data=data)))


def seen_from(folder: Path, file: Path) -> str:
    """Return the path of a file from a folder, by which both may move together."""
    return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()


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
    entries = recipe.to_dict()
    data = entries.pop("data")
    tables = {"data": data, "data.columns": data.pop("columns", None), "network": entries.pop("network")}
    parts = [toml.table(told | entries), *(f"[{name}]\n{toml.table(each)}" for name, each in tables.items() if each)]
    return "\n\n".join(parts) + "\n"
