"""Experiment files of corenet 0.1, in which the recipe was a table of its own and all learnt the disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DATA = ("targets", "normalized")


def from_earlier(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of an earlier file as they stand in one of today.

    >>> from_earlier({"recipe": {"modules": [["linear", 2, 1]], "targets": "sign", "epochs": 2}})
    {'network': {'modules': [['linear', 2, 1]]}, 'data': {'targets': 'sign', 'draw': 'disk'}, 'epochs': 2}
    """
    found = {name: value for name, value in data.items() if name != "recipe"}
    recipe = data["recipe"]
    if isinstance(recipe, dict):
        found |= _moved(recipe | {"draw": "disk"})
    if isinstance(found.get("better"), dict):
        found["better"] = _moved(found["better"])
    return found


def _moved(recipe: Mapping[str, Any]) -> dict[str, Any]:
    network = {name: recipe[name] for name in ("modules",) if name in recipe}
    data = {name: recipe[name] for name in (*DATA, "draw") if name in recipe}
    others = {name: value for name, value in recipe.items() if name not in {**network, **data}}
    return ({"network": network} if network else {}) | ({"data": data} if data else {}) | others
