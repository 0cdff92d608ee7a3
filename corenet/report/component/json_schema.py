"""The constructor of a component as a JSON Schema, draft 2020-12."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from corenet.report.component.constructor import ABSENT, Argument, type_name

DRAFT = "https://json-schema.org/draft/2020-12/schema"
PRIMITIVES: dict[object, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    NoneType: "null",
    list: "array",
    dict: "object",
}
LITERALS = (str, int, NoneType)
OBJECTS = (dict, Mapping)
CONTAINERS = (list, tuple, Sequence, Iterable, Collection, *OBJECTS)

Schema = dict[str, Any]


def constructor_schema(title: str, arguments: Iterable[Argument], *, open_ended: bool = False) -> Schema:
    """Return the schema of the keyword arguments; a type that JSON lacks is given as ``x-python-type``.

    >>> schema = constructor_schema("Dropout", [Argument("p", float, 0.5, "probability of a drop")])
    >>> schema["properties"]
    {'p': {'type': 'number', 'default': 0.5, 'description': 'probability of a drop'}}
    """
    arguments = list(arguments)
    return {
        "$schema": DRAFT,
        "title": title,
        "type": "object",
        "properties": {each.name: _property(each) for each in arguments},
        "required": [each.name for each in arguments if each.required],
        "additionalProperties": open_ended,
    }


def _property(argument: Argument) -> Schema:
    found = type_schema(argument.hint)
    if not argument.required:
        found |= _default(argument)
    if argument.meaning:
        found["description"] = argument.meaning
    return found


def _default(argument: Argument) -> Schema:
    try:
        return {"default": json.loads(json.dumps(argument.default, allow_nan=False))}
    except (TypeError, ValueError):
        return {"x-python-default": argument.shown_default}


def type_schema(hint: Any) -> Schema:
    """Return the schema of a type.

    >>> type_schema(float | None)
    {'anyOf': [{'type': 'number'}, {'type': 'null'}]}
    """
    origin, parts = get_origin(hint), get_args(hint)
    if hint is ABSENT or hint is Any:
        return {}
    if isinstance(hint, type) and hint in PRIMITIVES:
        return {"type": PRIMITIVES[hint]}
    if origin is Literal and all(isinstance(each, LITERALS) for each in parts):
        return {"enum": list(parts)}
    if origin in (Union, UnionType):
        return {"anyOf": [type_schema(each) for each in parts]}
    inner = [type_schema(each) for each in parts if each is not Ellipsis]
    if origin in CONTAINERS and not any("x-python-type" in each for each in inner):
        return _container(origin, inner, fixed=origin is tuple and Ellipsis not in parts)
    return {"x-python-type": type_name(hint)}


def _container(origin: Any, inner: list[Schema], *, fixed: bool) -> Schema:
    if origin in OBJECTS:
        return {"type": "object", "additionalProperties": inner[-1]}
    if fixed:
        return {"type": "array", "prefixItems": inner, "minItems": len(inner), "maxItems": len(inner)}
    return {"type": "array", "items": inner[0]}
