"""A commented experiment file, written from the description that reading follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

from corenet.experiments import toml
from corenet.experiments.experiment import Recipe
from corenet.experiments.parts import is_set
from corenet.experiments.schema import DATA, NETWORK, RECIPE, TOLD, Entries, Entry
from corenet.experiments.writing import seen_from
from corenet.registry.sanitize import plain
from corenet.tables.table import Table

WIDTH = 100
EXAMPLES = {  # of entries that have no default to show
    "schedule": "cosine",
    "metrics": ["accuracy", "f1"],
    "callbacks": [{"name": "early_stopping", "patience": 20}],
    "loss": "cross_entropy",
    "missing": ["", "NA", "-999"],
    "delimiter": ";",
    "encoding": "cp1252",
    "header": ["age", "city"],
    "target": "species",
}
COLUMNS = "columns"  # a table of their own
FORM = {"data": "source", "network": "hidden"}  # the form of a table that a new file shows, the others in a comment


def new_file(recipe: Recipe, path: Path, folder: Path, table: Table | None = None) -> str:
    """Return the text of a new experiment file ``path``, with what each entry means.

    What has a default stands there as a comment, so that reading it gives the defaults; the columns of a ``table``
    stand there as they were taken.

    Args:
        recipe: what is to be said of data and network.
        path: where the file is to lie; a table in ``folder`` is named as it is seen from there.
        table: the table that is learnt from.
    """
    data = dict(recipe.data)
    if table is not None:
        data["target"] = table.target.name
        if not is_set(data["source"]):
            data["source"] = seen_from(path.parent, folder / data["source"])
    tables = {"data", "network"}
    lines = [
        "# An experiment, for corenet train. An entry behind a # shows its default, or an example if it has none.",
        "",
        *_entries({name: TOLD[name] for name in ("title", "notes")}, {}),
        *_entries({name: entry for name, entry in RECIPE.items() if name not in tables}, {}),
        *_table("data", DATA, data),
        *_columns(table),
        *_table("network", NETWORK, {"hidden": RECIPE["network"].default["hidden"]}),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _table(name: str, takes: Entries, said: Mapping[str, Any]) -> Iterator[str]:
    form = FORM[name]
    yield from (f"[{name}]", *_comment(RECIPE[name].meaning))
    shown = [entry for entry in (form, *takes.forms[form]) if entry != COLUMNS]
    yield from _entries({entry: takes.entries[entry] for entry in shown}, said)
    for other in takes.forms:
        if other != form:
            yield from _comment(f"in the place of {form}: {other}, {takes.entries[other].meaning}")
    yield ""


def _entries(entries: Mapping[str, Entry], said: Mapping[str, Any]) -> Iterator[str]:
    """Yield each entry with what it means: what is said as it is, the others as comments."""
    for name, entry in entries.items():
        yield from _comment(entry.meaning)
        if name in said and said[name] is not None:
            yield f"{name} = {toml.value(said[name])}"
        else:
            example = EXAMPLES.get(name, "") if entry.default in (None, "") else entry.default
            yield f"# {name} = {toml.value(example)}"
        yield ""


def _columns(table: Table | None) -> Iterator[str]:
    if table is None:
        return
    yield "[data.columns]"
    yield from _comment('each may be "number", "category" or "drop"')
    for each in [*table.columns, table.target]:
        yield f"{toml.key(each.name)} = {toml.value(each.kind)}  # {plain(each.what)}"
    yield ""


def _comment(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ")
