"""JSON from a file that nobody vouches for: what is not plainly meant is refused."""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 100


def parse(text: str | bytes) -> Any:
    """Return what JSON says.

    Raises:
        ValueError: it is no JSON, names one thing twice, has a number that is none, or is nested too deep.

    >>> parse('{"a": [1, 2.5, null]}')
    {'a': [1, 2.5, None]}
    >>> parse('{"a": 1, "a": 2}')
    Traceback (most recent call last):
    ValueError: 'a' is there twice
    """
    try:
        text = text.decode() if isinstance(text, bytes) else text  # of bytes json would guess the encoding
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError(f"it is nested deeper than {DEEPEST}") from None
    _refuse_deep(found, DEEPEST)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:80]!r} is there twice")
        found[name] = value
    return found


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:80]} is too large a number")
    return value


def _refuse_deep(value: Any, left: int) -> None:
    if isinstance(value, (dict, list)):
        if left == 0:
            raise ValueError(f"it is nested deeper than {DEEPEST}")
        for each in value.values() if isinstance(value, dict) else value:
            _refuse_deep(each, left - 1)
