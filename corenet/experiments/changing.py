"""Changing a recipe entry by entry: ``[better]`` in its file, ``--set optimizer.lr=0.01``, the trials of a search."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from corenet.errors import ConfigError
from corenet.experiments.reading import as_table
from corenet.experiments.schema import RECIPE, Entries


def changed(recipe: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe with some entries changed, in each table those that are given.

    A table with a ``name`` of its own, or of another form, is another thing and replaces what was there.

    >>> changed({"data": "iris.csv", "optimizer": {"name": "sgd", "lr": 1.0}}, {"optimizer": {"lr": 0.1}, "epochs": 3})
    {'data': 'iris.csv', 'optimizer': {'name': 'sgd', 'lr': 0.1}, 'epochs': 3}
    """
    return {**recipe, **{name: _changed(name, recipe.get(name), value) for name, value in changes.items()}}


def _changed(name: str, old: Any, new: Any) -> Any:
    entry = RECIPE.get(name)
    if entry is None or not isinstance(new, dict):
        return new
    is_said = old is not None
    old = old if is_said else entry.default
    if isinstance(entry.takes, Entries):
        old = as_table(old, entry.takes)
        is_other = any(form in new and form not in (old or {}) for form in entry.takes.forms)
    else:
        old = {"name": old} if isinstance(old, str) else old
        is_other = "name" in new and (len(new) > 1 or not is_said)  # the numbers of a default are for it alone
    return new if is_other or not isinstance(old, dict) else {**old, **new}


def settings(asked: Iterable[str]) -> dict[str, Any]:
    """Return the entries that ``optimizer.lr=0.01`` and the like stand for.

    A value is one of TOML, or else several of them with commas between, or else a string.

    Raises:
        ConfigError: one is no such assignment.

    >>> settings(["optimizer.lr=0.01", "optimizer.name=adam", "optimizer.betas=0.5,0.9"])
    {'optimizer': {'lr': 0.01, 'name': 'adam', 'betas': [0.5, 0.9]}}
    """
    found: dict[str, Any] = {}
    for each in asked:
        _merge(found, _setting(each))
    return found


def _setting(asked: str) -> dict[str, Any]:
    path, equals, value = asked.partition("=")
    for text in (value, f"[{value}]" if "," in value else value, json.dumps(value)):
        try:
            if equals:
                return tomllib.loads(f"{path} = {text}")
        except tomllib.TOMLDecodeError:
            continue
    raise ConfigError(f"--set {asked}: say the entry and its value, as in --set optimizer.lr=0.01", name=path)


def _merge(into: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value
