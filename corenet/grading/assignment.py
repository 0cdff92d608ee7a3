"""The file of an assignment: its layers, their points, and the limits of a submission."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from corenet.errors import ConfigError, OutputError, did_you_mean
from corenet.grading.layers import layer
from corenet.grading.promises import promises_of
from corenet.grading.textbook import STYLES, Style

FILE = "assignment.toml"
SCHEMA = 1
SECONDS = 10.0
MEMORY = 2048
KNOWN = ("schema", "layers", "style", "seconds", "memory", "points")
LEAST_MEMORY = 256  # MiB, with which torch can be imported


@dataclass(frozen=True)
class Assignment:
    """An assignment.

    Args:
        layers: the names of its layers, in order.
        style: ``"module"``, for classes of corenet, or ``"numpy"``, for functions.
        points: of each layer, what each check is worth; a check that is not named is not made.
        seconds: the processor time that a submission may take.
        memory: how much memory it may take, in MiB.
    """

    layers: tuple[str, ...]
    style: Style
    points: Mapping[str, Mapping[str, float]]
    seconds: float = SECONDS
    memory: int = MEMORY


def usual(layers: Sequence[str], style: Style) -> Assignment:
    """Return an assignment with the usual points.

    Raises:
        ConfigError: a layer is not known, or named twice, or there is none.

    >>> usual(["relu"], "numpy").points["relu"]
    {'forward': 1.0, 'input_gradient': 2.0, 'calls': 1.0}
    """
    return Assignment(_layers(layers), style, {name: _all_points(name, style) for name in layers})


def read_assignment(folder: Path) -> Assignment:
    """Return the assignment in a folder.

    Raises:
        OutputError: the folder has no ``assignment.toml``.
        ConfigError: that is not an assignment; the message names the entry.
    """
    path = folder / FILE
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise OutputError(f"there is no {path}; corenet new-assignment writes one") from error
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"cannot read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from error
    try:
        return _assignment(data)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}", name=error.name, value=error.value) from error


def _assignment(data: Mapping[str, Any]) -> Assignment:
    _refuse_unknown(data, KNOWN, "entry")
    if data.get("schema", SCHEMA) != SCHEMA:
        raise _wrong("schema", data["schema"], f"{SCHEMA}; it is of another corenet")
    if data.get("style") not in STYLES:
        raise _wrong("style", data.get("style"), " or ".join(map(repr, STYLES)))
    style = cast("Style", data["style"])
    layers = _layers(data.get("layers"))
    seconds, memory = data.get("seconds", SECONDS), data.get("memory", MEMORY)
    if not _is_number(seconds) or not 0 < seconds < 86400:
        raise _wrong("seconds", seconds, "a number above 0, and below 86400")
    if not isinstance(memory, int) or isinstance(memory, bool) or memory < LEAST_MEMORY:
        raise _wrong("memory", memory, f"an integer of MiB, {LEAST_MEMORY} or more")
    return Assignment(layers, style, _points(data.get("points", {}), layers, style), float(seconds), memory)


def _layers(given: object) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not given or not all(isinstance(each, str) for each in given):
        raise _wrong("layers", given, 'a list of names, such as ["linear", "relu"]')
    for name in given:
        layer(name)
    if twice := [name for name in given if given.count(name) > 1]:
        raise ConfigError(f"the layer {twice[0]!r} is named twice", name="layers", value=given)
    return tuple(given)


def _points(given: object, layers: Sequence[str], style: Style) -> dict[str, dict[str, float]]:
    if not isinstance(given, dict):
        raise _wrong("points", given, "a table for each layer, such as [points.linear]")
    _refuse_unknown(given, layers, "layer")
    points = {}
    for name in layers:
        usual_points = _all_points(name, style)
        table = given.get(name, usual_points)
        if not isinstance(table, dict):
            raise _wrong(f"points.{name}", table, "a table of checks and points")
        _refuse_unknown(table, usual_points, f"check of {name}")
        for check, worth in table.items():
            if not _is_number(worth) or not 0 <= worth < float("inf"):
                raise _wrong(f"points.{name}.{check}", worth, "a number, 0 or more")
        points[name] = {check: float(worth) for check, worth in table.items()}
    return points


def _all_points(name: str, style: Style) -> dict[str, float]:
    return {promise.name: promise.points for promise in promises_of(layer(name), style)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse_unknown(given: Iterable[str], known: Iterable[str], what: str) -> None:
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
            raise ConfigError(f"there is no {what} {name!r}{hint}", name=name, value=name)


def _wrong(name: str, value: object, expected: str) -> ConfigError:
    return ConfigError(f"{name} is {value!r:.80}, and must be {expected}", name=name, value=value)
