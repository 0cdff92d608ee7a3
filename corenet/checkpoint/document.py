"""What the description in a file may say: every field is known, and of its type."""

from __future__ import annotations

import re
from typing import Any

Form = type | tuple[type, ...]
NONE = type(None)
FIELDS: dict[str, Form] = {
    "format": int,
    "sha256": str,
    "versions": dict,
    "components": list,
    "modules": dict,
    "settings": dict,
    "model": dict,
    "tied": dict,
    "frozen": list,
    "evaluating": list,
    "loss": (dict, NONE),
    "optimizer": (dict, NONE),
    "draws": (dict, NONE),
    "table": (dict, NONE),
    "history": bool,
    "training": (dict, NONE),
}
OF_OPTIMIZER: dict[str, Form] = {
    "built": dict,
    "parameters": (list, NONE),
    "count": int,
    "lr": (float, int),
    "steps": int,
    "groups": list,
}
OF_DRAWS: dict[str, Form] = {"seed": int, "epoch": int, "steps": int}
OF_GROUP: dict[str, Form] = {"params": list, "own": dict}
COMPONENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}:[\w.-]{1,128}")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_-]{0,63}")


def refuse_unknown(document: dict[str, Any]) -> None:
    """Raise a ValueError unless a document has all fields, each of its type, and no other.

    >>> refuse_unknown({"format": 2})
    Traceback (most recent call last):
    ValueError: its description has no 'sha256'
    """
    _refuse_misfit("its description", document, FIELDS)
    _refuse_other_strings("versions", document["versions"])
    _refuse_other_strings("modules", document["modules"])
    _refuse_other_strings("tied", document["tied"])
    for place, settings in document["settings"].items():
        _refuse(f"{place[:80]!r} of its settings", settings, dict)
    for each in (*document["frozen"], *document["evaluating"]):
        _refuse("the path of a module", each, str)
    for each in document["components"]:
        _refuse_component(each)
    if (optimizer := document["optimizer"]) is not None:
        _refuse_misfit("its optimizer", optimizer, OF_OPTIMIZER)
        for group in optimizer["groups"]:
            _refuse_misfit("a group of its optimizer", group, OF_GROUP)
    if document["draws"] is not None:
        _refuse_misfit("its draws", document["draws"], OF_DRAWS)


def _refuse_misfit(what: str, table: Any, fields: dict[str, Form]) -> None:
    _refuse(what, table, dict)
    if missing := [name for name in fields if name not in table]:
        raise ValueError(f"{what} has no {missing[0]!r}")
    if unknown := [name for name in table if name not in fields]:
        raise ValueError(f"{what} has {unknown[0][:80]!r}, which this version does not know")
    for name, form in fields.items():
        _refuse(f"{name!r} of {what}", table[name], form)


def _refuse(what: str, value: Any, form: Form) -> None:
    """Raise unless a value is of a type; True and False are no numbers."""
    forms = form if isinstance(form, tuple) else (form,)
    if type(value) not in forms:
        raise ValueError(f"{what} is {str(value)[:80]!r}, not {' or '.join(each.__name__ for each in forms)}")


def _refuse_other_strings(what: str, table: dict[str, Any]) -> None:
    for name, value in table.items():
        _refuse(f"{name[:80]!r} of its {what}", value, str)


def _refuse_component(described: Any) -> None:
    _refuse("a component", described, dict)
    _refuse_other_strings("components", described)
    if described.keys() not in ({"class"}, {"class", "name", "version"}):
        raise ValueError(f"a component of it is {str(described)[:80]!r}, not a class with its name and version")
    for field, pattern in (("name", COMPONENT), ("version", VERSION)):  # which a user may be told to install
        if field in described and not pattern.fullmatch(described[field]):
            raise ValueError(f"a component of it has the {field} {described[field][:80]!r}")
