"""Values and tables as TOML, each entry on a line of its own, as people write experiment files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")
LONG = 100  # characters of a list; a longer one has each item on a line


def value(given: Any) -> str:
    """Return a value as TOML, on one line if it is short.

    >>> print(value({"name": "adam", "lr": 1e-3, "betas": [0.9, 0.999], "on": True}))
    { name = "adam", lr = 0.001, betas = [0.9, 0.999], on = true }
    >>> print(value([["linear", 2, 25], ["relu"]]))
    [["linear", 2, 25], ["relu"]]
    """
    if isinstance(given, Mapping):
        inside = ", ".join(f"{key(name)} = {value(each)}" for name, each in given.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(given, Sequence) and not isinstance(given, str):
        items = [value(each) for each in given]
        line = f"[{', '.join(items)}]"
        return (
            line
            if len(line) <= LONG or len(items) < 2
            else "[\n{}]".format("".join(f"    {each},\n" for each in items))
        )
    if isinstance(given, str):
        return json.dumps(given, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(given).lower() if isinstance(given, bool) else repr(given)


def key(name: str) -> str:
    """Return a name as TOML has it: as it is, or in quotes.

    >>> print(key("lr"), key("sepal length"))
    lr "sepal length"
    """
    return name if BARE.fullmatch(name) else value(name)


def table(entries: Mapping[str, Any]) -> str:
    """Return entries, each on a line.

    >>> print(table({"epochs": 3, "loss": "mse"}))
    epochs = 3
    loss = "mse"
    """
    return "\n".join(f"{key(name)} = {value(each)}" for name, each in entries.items())
