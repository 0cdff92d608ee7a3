"""What is in a model file, told without building anything of it: also where a plugin of it is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corenet.checkpoint.container import Contents
from corenet.checkpoint.header import Entry
from corenet.checkpoint.history_state import epochs_in
from corenet.checkpoint.loading import opened
from corenet.errors import CheckpointError
from corenet.registry.registry import registry
from corenet.registry.sanitize import plain


@dataclass(frozen=True)
class Needed:
    """A component that a file names: its version there, and whether this installation has it, and in which version."""

    name: str
    version: str
    installed: str | None


@dataclass(frozen=True)
class ModelFile:
    """A file, opened and checked: what it says, and in words its modules, each with its place, and what it has else."""

    path: Path
    document: Mapping[str, Any]
    tensors: Mapping[str, Entry]
    size: int
    modules: tuple[tuple[str, str, str], ...]
    facts: Mapping[str, str]
    needed: tuple[Needed, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values, for JSON."""
        tensors = [{"name": name, **_form(entry)} for name, entry in self.tensors.items()]
        needed = [vars(each) for each in self.needed]
        return {"path": str(self.path), "bytes": self.size, **self.document, "needed": needed, "tensors": tensors}


def model_file(path: str | Path) -> ModelFile:
    """Return what is in a file.

    Raises:
        OutputError: there is no such file.
        CheckpointError: it is no checkpoint, or is damaged.
    """
    contents, document = opened(path)
    size = contents.path.stat().st_size
    try:
        parts = tuple(modules(document["model"]))
        facts = {name: plain(text) for name, text in _facts(contents, document) if text}
        return ModelFile(contents.path, document, contents.entries, size, parts, facts, tuple(_needed(document)))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise CheckpointError(f"{path} describes what nobody can read: {plain(str(error))}") from error


def modules(described: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield place, name and arguments of each part of a description, a chain's parts one by one.

    >>> list(modules({"sequential": [{"module": "corenet:dropout", "arguments": {"p": 0.25}}]}))
    [('0', 'corenet:dropout', 'p=0.25')]
    """
    if "sequential" in described:
        for index, each in enumerate(described["sequential"]):
            yield from modules(each, f"{path}.{index}" if path else str(index))
    else:
        yield path, *named(described)


def named(described: Mapping[str, Any]) -> tuple[str, str]:
    """Return the name of a described component, and its arguments in words."""
    if "unknown" in described:
        return "", plain(f"not described: {described['unknown']}")
    names = [str(value) for kind, value in described.items() if kind != "arguments"]
    arguments = described.get("arguments", {})
    return plain(" ".join(names)), plain(", ".join(f"{name}={_value(value)}" for name, value in arguments.items()))


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if not isinstance(value, dict):
        return repr(value)
    if "sequential" in value or "arguments" in value:
        parts = [f"{name}({arguments})" for _, name, arguments in modules(value)]
        return ", ".join(parts)
    if "tuple" in value:
        return f"({', '.join(map(_value, value['tuple']))})"
    if "dict" in value:
        return f"{{{', '.join(f'{_value(name)}: {_value(each)}' for name, each in value['dict'])}}}"
    return " ".join(f"{form} {each}" if form == "tensor" else str(each) for form, each in value.items())


def _form(entry: Entry) -> dict[str, Any]:
    return {"dtype": str(entry.dtype).removeprefix("torch."), "shape": list(entry.shape)}


def _facts(contents: Contents, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "saved by", ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    yield "SHA-256", document.get("sha256", "none")
    if document["loss"] is not None:
        yield "loss", "{}({})".format(*named(document["loss"]))
    if (optimizer := document["optimizer"]) is not None:
        yield "optimizer", "{}({})".format(*named(optimizer["built"]))
        yield "steps", str(optimizer["steps"])
    if (place := document["draws"]) is not None:
        yield "position", f"epoch {place['epoch']}, step {place['steps']}, seed {place['seed']}"
    if document["history"]:
        yield "history", f"{epochs_in(contents.tensor('history'))} epochs"
    for label in ("tied", "frozen", "evaluating"):
        yield label, ", ".join(document[label])
    if (table := document["table"]) is not None:
        yield "columns", ", ".join(map(_column, table["columns"]))
        yield "target", _column(table["target"])


def _column(column: Mapping[str, Any]) -> str:
    return f"{column['name']} ({column['kind']})"


def _needed(document: Mapping[str, Any]) -> Iterator[Needed]:
    installed = {row.qualified_name: row.version for row in registry().components()}
    for each in document["components"] or ():
        if "name" in each:
            yield Needed(each["name"], each["version"], installed.get(each["name"]))
