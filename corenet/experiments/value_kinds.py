"""The kinds of value that an entry of an experiment file takes: what fits, how it is said, and its JSON Schema."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ValueKind:
    """A kind of value: ``wanted`` says it in words, ``schema`` in JSON Schema."""

    wanted: str
    fits: Callable[[Any], bool]
    schema: Mapping[str, Any]


def one_of(choices: Sequence[str]) -> ValueKind:
    """Return the kind of a word out of some."""
    return ValueKind(f"one of {', '.join(choices)}", lambda value: value in choices, {"enum": list(choices)})


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]  # one of the two


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_list(value: object, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(map(fits, value))


def _is_component(value: object) -> bool:
    return _is_name(value) or (isinstance(value, dict) and _is_name(value.get("name")))


def _is_module(value: object) -> bool:
    return isinstance(value, list) and bool(value) and _is_name(value[0])


def _is_width(value: object) -> bool:
    return type(value) is int and value >= 1


_TEXT = {"type": "string"}
_WIDTH = {"type": "integer", "minimum": 1}
_COMPONENT = {
    "anyOf": [_TEXT, {"type": "object", "properties": {"name": _TEXT}, "required": ["name"]}],
}
_MODULE = {"type": "array", "prefixItems": [_TEXT], "minItems": 1}

TEXT = ValueKind("a string", _is_text, _TEXT)
TEXTS = ValueKind("a list of strings", lambda value: _is_list(value, _is_text), {"type": "array", "items": _TEXT})
FLAG = ValueKind("true or false", lambda value: isinstance(value, bool), {"type": "boolean"})
COUNT = ValueKind("an integer ≥ 1", _is_width, _WIDTH)
INTEGER = ValueKind("an integer", lambda value: type(value) is int, {"type": "integer"})
NUMBER = ValueKind("a number", _is_number, {"type": "number"})
PART = ValueKind(
    "a fraction from 0 to below 1",
    lambda value: _is_number(value) and 0 <= value < 1,
    {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
)
PROBABILITY = ValueKind(
    "a probability in [0, 1]",
    lambda value: _is_number(value) and 0 <= value <= 1,
    {"type": "number", "minimum": 0, "maximum": 1},
)
WIDTHS = ValueKind(
    "a list of integers ≥ 1", lambda value: _is_list(value, _is_width), {"type": "array", "items": _WIDTH}
)
COMPONENT = ValueKind("a name, or a table with a name", _is_component, _COMPONENT)
COMPONENTS = ValueKind(
    "a list of names, or of tables with a name",
    lambda value: _is_list(value, _is_component),
    {"type": "array", "items": _COMPONENT},
)
MODULES = ValueKind(
    'a list of ["name", arguments...]',
    lambda value: _is_list(value, _is_module),
    {"type": "array", "items": _MODULE},
)
PYTHON = ValueKind(
    'a function in a Python file beside this one, as "my_model.py:make"',
    lambda value: _is_text(value) and ".py:" in value,
    {"type": "string", "pattern": r"\.py:\w+$"},
)
FIGURES = ValueKind(
    "a table of numbers, such as test_error = 0.05",
    lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
    {"type": "object", "additionalProperties": {"type": "number"}},
)
COLUMNS = ValueKind(
    'a table that says "number", "category" or "drop" for columns',
    lambda value: isinstance(value, dict) and all(each in ("number", "category", "drop") for each in value.values()),
    {"type": "object", "additionalProperties": {"enum": ["number", "category", "drop"]}},
)
TABLE = ValueKind("a table", lambda value: isinstance(value, dict), {"type": "object"})
