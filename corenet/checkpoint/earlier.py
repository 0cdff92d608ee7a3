"""Files of corenet 0.1: read as if they said what those of today say; they carry no checksum."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

from corenet.checkpoint.container import Contents
from corenet.checkpoint.strict_json import parse
from corenet.errors import CheckpointError, CheckpointWarning
from corenet.registry.sanitize import plain

FORMAT = "corenet 1"
WHY = "it is of corenet 0.1, whose files do not describe how a model is built"


def is_earlier(contents: Contents) -> bool:
    """Tell whether a file is one of an earlier version."""
    return contents.document is None and contents.metadata.get("format") == FORMAT


def document_of(contents: Contents) -> dict[str, Any]:
    """Return what the file says, in the form of today, with a warning.

    Raises:
        CheckpointError: a part of it is damaged.
    """
    warnings.warn(
        f"{contents.path} is of an earlier version and has no checksum: damage to it cannot be seen; save it anew",
        CheckpointWarning,
        stacklevel=4,
    )
    metadata = contents.metadata
    return {
        "format": 1,
        "versions": {},
        "components": _part(contents.path, metadata, "components", list, "a record of its modules"),
        "modules": _part(contents.path, metadata, "modules", dict, "a record of its modules"),
        "settings": {},
        "model": {"unknown": WHY},
        "tied": {},
        "frozen": [],
        "evaluating": [],
        "loss": None,
        "optimizer": _optimizer(contents),
        "draws": _part(contents.path, metadata, "draws", dict, "a place in the random numbers"),
        "table": None,
        "history": False,
        "training": None,
    }


def _part(path: Path, metadata: Any, name: str, form: type, what: str) -> Any:
    if name not in metadata:
        return None
    try:
        found = parse(metadata[name])
    except ValueError as error:
        raise CheckpointError(f"{path} has {what} that is damaged: {plain(str(error))}") from error
    if not isinstance(found, form):
        raise CheckpointError(f"{path} has {what} that is damaged: it is {json.dumps(found)[:80]}")
    return found


def _optimizer(contents: Contents) -> dict[str, Any] | None:
    head = _part(contents.path, contents.metadata, "optimizer", dict, "an optimizer state")
    if head is None:
        return None
    if not isinstance(head.get("groups", []), list):
        raise CheckpointError(f"{contents.path} has an optimizer state that is damaged: its groups are no list")
    if "groups" in head:
        head["groups"] = [_group(contents.path, each) for each in head["groups"]]
    return {**head, "built": {"unknown": WHY}, "parameters": None}


def _group(path: Path, group: Any) -> dict[str, Any]:
    """Return a group in the form of today: those files did not tell a tuple from a list, and a tuple is meant."""
    if not isinstance(group, dict) or not isinstance(group.get("params"), list):
        raise CheckpointError(f"{path} has an optimizer state that is damaged: a group is {json.dumps(group)[:80]}")
    own = {name: value for name, value in group.items() if name != "params"}
    return {
        "params": group["params"],
        "own": {name: {"tuple": value} if isinstance(value, list) else value for name, value in own.items()},
    }
