"""A coding read from a file's words and numbers, every one of them looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from corenet.errors import CheckpointError
from corenet.tables.columns import CategoryColumn, NumberColumn
from corenet.tables.targets import ClassTarget, NumberTarget, word

Parts = tuple[tuple[NumberColumn | CategoryColumn, ...], ClassTarget | NumberTarget, tuple[str, ...]]


def coding_from_dict(saved: Mapping[str, Any], version: int) -> Parts:
    """Return columns, target and missing values of a saved coding.

    Raises:
        CheckpointError: a part is not there, not known, or of another kind.
    """
    if not isinstance(saved, Mapping) or "version" not in saved:
        raise CheckpointError("this is no table coding: it has no version")
    if saved["version"] != version:
        raise CheckpointError(f"the table coding is of version {saved['version']!r}, this corenet reads {version}")
    _exactly("the table coding", saved, {"version", "missing", "columns", "target"})
    _look("missing", _are_words(saved["missing"]), saved["missing"])
    _look("columns", isinstance(saved["columns"], list) and saved["columns"], saved["columns"])
    columns = tuple(_column(each) for each in saved["columns"])
    target = _target(saved["target"])
    names = [column.name for column in columns] + [target.name]
    _look("columns", len(set(names)) == len(names), names)
    return columns, target, tuple(saved["missing"])


def _column(saved: Any) -> NumberColumn | CategoryColumn:
    if _kind(saved) == "number":
        mean, std = _standard(saved, {"gap"})
        return NumberColumn(saved["name"], mean, std, _truth(saved))
    _exactly(saved["name"], saved, {"kind", "name", "values", "gap"})
    _look(f"{saved['name']}: values", _are_words(saved["values"]), saved["values"])
    return CategoryColumn(saved["name"], tuple(saved["values"]), _truth(saved))


def _target(saved: Any) -> ClassTarget | NumberTarget:
    if _kind(saved) == "number":
        return NumberTarget(saved["name"], *_standard(saved, set()))
    _exactly(saved["name"], saved, {"kind", "name", "classes"} | ({"counts"} & set(saved)))
    classes, counts = saved.get("classes"), saved.get("counts", [])
    plain = isinstance(classes, list) and all(isinstance(each, str | int | float) for each in classes)
    different = plain and len(classes) >= 2 and len({word(each) for each in classes}) == len(classes)
    _look(f"{saved['name']}: classes", different, classes)
    rows = isinstance(counts, list) and all(type(each) is int and each >= 0 for each in counts)
    _look(f"{saved['name']}: counts", rows and ("counts" not in saved or len(counts) == len(classes)), counts)
    return ClassTarget(saved["name"], tuple(classes), tuple(counts))


def _kind(saved: Any) -> str:
    """Return the kind of a column that is a dict with a name."""
    named = isinstance(saved, Mapping) and isinstance(saved.get("name"), str)
    _look("a column", named and saved.get("kind") in ("number", "category"), saved)
    return str(saved["kind"])


def _standard(saved: Mapping[str, Any], more: set[str]) -> tuple[float, float]:
    _exactly(saved["name"], saved, {"kind", "name", "mean", "std"} | more)
    mean, std = saved["mean"], saved["std"]
    for name, value in (("mean", mean), ("std", std)):
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        _look(f"{saved['name']}: {name}", number and (name == "mean" or value > 0), value)
    return float(mean), float(std)


def _truth(saved: Mapping[str, Any]) -> bool:
    _look(f"{saved['name']}: gap", isinstance(saved["gap"], bool), saved["gap"])
    return bool(saved["gap"])


def _are_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value) and len(set(value)) == len(value)


def _exactly(name: str, saved: Mapping[str, Any], keys: set[str]) -> None:
    if set(saved) != keys:
        raise CheckpointError(f"{name} has the keys {sorted(map(str, saved))}, expected {sorted(keys)}")


def _look(name: str, good: object, value: object) -> None:
    if not good:
        raise CheckpointError(f"the table coding is damaged: {name} is {value!r:.80}")
