"""A recipe with all that was decided for it: what its file left out, and what a table's columns were taken for."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

from corenet.experiments.building import callbacks_said, loss_said
from corenet.experiments.experiment import Component, Recipe
from corenet.experiments.parts import Parts, is_set
from corenet.experiments.streaming import stream_entries
from corenet.registry.registry import get
from corenet.registry.spec import Kind

PLAIN = (bool, int, float, str)


def resolved(recipe: Recipe, parts: Parts) -> Recipe:
    """Return the recipe with its loss, its callbacks, the numbers of each, and what each column was taken for.

    >>> from corenet.experiments.experiment import of_table
    >>> from corenet.experiments.parts import rounds_of
    >>> chosen = of_table("wine")
    >>> found = resolved(chosen.recipe, next(rounds_of(chosen.recipe, chosen.folder)))
    >>> found.loss["name"], found.optimizer["lr"], found.optimizer["betas"], found.data["columns"]["alcohol"]
    ('cross_entropy', 0.003, [0.9, 0.999], 'number')
    """
    table, data = parts.table, dict(recipe.data)
    if table is not None:
        kinds = {each.name: each.kind for each in [*table.columns, table.target]}
        data |= {"target": table.target.name, "columns": kinds}
        if not is_set(data["source"]):
            data |= stream_entries(table)
    return replace(
        recipe,
        data=data,
        loss=_whole("loss", loss_said(recipe, parts)),
        optimizer=_whole("optimizer", recipe.optimizer),
        callbacks=tuple(_whole("callback", each) for each in callbacks_said(recipe, parts)),
    )


def _whole(kind: Kind, said: Component) -> Component:
    """Return a component with the numbers and words that its constructor takes where nothing is said."""
    named = inspect.signature(get(kind, said["name"])).parameters.values()
    plain = {each.name: _listed(each.default) for each in named if _is_plain(each.default)}
    return {"name": said["name"], **plain, **said}


def _is_plain(value: object) -> bool:
    return type(value) in PLAIN or (isinstance(value, tuple) and all(type(each) in PLAIN for each in value))


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
