"""The JSON Schema of an experiment file, for editors: generated from the description that reading follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from corenet.experiments.schema import BETTER, RECIPE, TOLD, WHY, Entries, Entry

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of experiment files.

    >>> found = json_schema()
    >>> found["properties"]["epochs"]
    {'type': 'integer', 'minimum': 1, 'description': 'the most passes over the data', 'default': 200}
    >>> found["required"]
    ['data']
    """
    found = _object({**TOLD, **RECIPE})
    found["properties"]["better"] = {
        "type": "object",
        "description": BETTER["better"].meaning,
        "properties": {name: {"description": entry.meaning} for name, entry in {**WHY, **RECIPE}.items()},
        "additionalProperties": False,
    }
    return {"$schema": DRAFT, "title": "corenet experiment", **found}


def _object(entries: Mapping[str, Entry]) -> dict[str, Any]:
    needed = [name for name, entry in entries.items() if entry.is_needed]
    return {
        "type": "object",
        "properties": {name: _entry(entry) for name, entry in entries.items()},
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    takes = _table(entry.takes) if isinstance(entry.takes, Entries) else dict(entry.takes.schema)
    return takes | {"description": entry.meaning} | ({} if entry.default in (None, {}) else {"default": entry.default})


def _table(takes: Entries) -> dict[str, Any]:
    """Return the schema of a table of one of several forms, or of the string that stands for it."""
    return {"anyOf": [{"type": "string"}, *(_form(takes.of(form), form) for form in takes.forms)]}


def _form(entries: Iterable[tuple[str, Entry]], form: str) -> dict[str, Any]:
    return _object(dict(entries)) | {"required": [form]}
