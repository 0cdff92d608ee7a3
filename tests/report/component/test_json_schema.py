"""The JSON Schema of a constructor: it says of real arguments what the constructor says."""

import json
from collections.abc import Callable, Iterable
from typing import Any, Literal, Optional

import pytest
import torch

import corenet as cn
from corenet.errors import ConfigError
from corenet.report.component.constructor import ABSENT, Argument, arguments
from corenet.report.component.json_schema import constructor_schema, type_schema

TYPES = {
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "null": lambda value: value is None,
    "array": lambda value: isinstance(value, list),
}


def allows(schema, value):
    """Say whether the schema takes the value, by those of draft 2020-12's rules that a constructor needs."""
    if "anyOf" in schema:
        return any(allows(each, value) for each in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    if "type" in schema and schema["type"] != "object":
        items = value if isinstance(value, list) and "items" in schema else []
        return TYPES[schema["type"]](value) and all(allows(schema["items"], each) for each in items)
    if schema.get("type") == "object":
        known = schema["properties"]
        return (
            set(schema["required"]) <= set(value)
            and (schema["additionalProperties"] or set(value) <= set(known))
            and all(allows(known[name], each) for name, each in value.items() if name in known)
        )
    return True


def schema_of(cls):
    return constructor_schema(cls.__name__, arguments(cls, {}))


@pytest.mark.parametrize(
    ("cls", "given", "fits"),
    [
        (cn.Linear, {"in_features": 2, "out_features": 3}, True),
        (cn.Linear, {"in_features": 2, "out_features": 3, "bias": False, "device": "cpu"}, True),
        (cn.Linear, {"in_features": 2}, False),
        (cn.Linear, {"in_features": 2, "out_features": 3, "width": 4}, False),
        (cn.Linear, {"in_features": 2.5, "out_features": 3}, False),
        (cn.Dropout, {}, True),
        (cn.Dropout, {"p": 0}, True),
        (cn.Dropout, {"p": "half"}, False),
        (cn.MSELoss, {"reduction": "none"}, True),
        (cn.MSELoss, {"reduction": "average"}, False),
        (cn.BCELoss, {"weight": None}, True),
        (cn.ReLU, {}, True),
        (cn.ReLU, {"inplace": True}, False),
    ],
)
def test_it_takes_what_the_constructor_takes(cls, given, fits):
    assert allows(schema_of(cls), json.loads(json.dumps(given))) is fits
    try:
        cls(**given)
    except (ConfigError, TypeError):
        assert not fits
    else:
        assert fits


def test_an_optimizer_in_full():
    schema = constructor_schema("SGD", arguments(cn.SGD, {"lr": "the rate"}))
    assert list(schema) == ["$schema", "title", "type", "properties", "required", "additionalProperties"]
    assert (schema["$schema"], schema["title"]) == ("https://json-schema.org/draft/2020-12/schema", "SGD")
    assert schema["required"] == ["parameters", "lr"]
    assert schema["properties"]["parameters"] == {
        "anyOf": [
            {"x-python-type": "Iterable[torch.Tensor]"},
            {"type": "array", "items": {"type": "object", "additionalProperties": {}}},
        ]
    }
    assert schema["properties"]["lr"] == {"type": "number", "description": "the rate"}
    assert schema["properties"]["nesterov"] == {"type": "boolean", "default": False}


def test_more_keywords_are_taken_where_the_constructor_takes_them():
    assert allows(constructor_schema("X", [], open_ended=True), {"anything": 1})


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (ABSENT, {}),
        (Any, {}),
        (int, {"type": "integer"}),
        (Optional[float], {"anyOf": [{"type": "number"}, {"type": "null"}]}),  # noqa: UP045 - people write it
        (Literal["a", 1, None], {"enum": ["a", 1, None]}),
        (Literal[b"a"], {"x-python-type": "Literal[b'a']"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (
            tuple[int, str],
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (list, {"type": "array"}),
        (Iterable[torch.Tensor], {"x-python-type": "Iterable[torch.Tensor]"}),
        (torch.dtype | None, {"anyOf": [{"x-python-type": "torch.dtype"}, {"type": "null"}]}),
        (Callable[[int], int], {"x-python-type": "Callable[[int], int]"}),
        ("Unresolved", {"x-python-type": "Unresolved"}),
    ],
)
def test_each_type_has_its_schema(hint, schema):
    assert type_schema(hint) == schema


@pytest.mark.parametrize(
    ("default", "shown"),
    [
        (None, {"default": None}),
        ((1, 2), {"default": [1, 2]}),
        (float("inf"), {"x-python-default": "inf"}),
        (torch.float32, {"x-python-default": "torch.float32"}),
    ],
)
def test_a_default_that_json_has_not_is_shown_as_python_does(default, shown):
    schema = constructor_schema("X", [Argument("a", ABSENT, default, "")])
    assert schema["properties"]["a"] == shown
