"""What students get wrong, by name; the words are in ``misconceptions.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple


class Misconception(NamedTuple):
    """A misconception: a title for the teacher's table, and a hint that explains it to a student without solving it."""

    title: str
    hint: str


_WORDS = tomllib.loads((Path(__file__).parent / "misconceptions.toml").read_text(encoding="utf-8"))
MISCONCEPTIONS: dict[str, Misconception] = {slug: Misconception(**words) for slug, words in _WORDS.items()}


def hint(slug: str) -> str:
    """Return what a student is told of a misconception.

    >>> hint("upstream_twice").partition(":")[0]
    'grad_output is in it twice'
    """
    return MISCONCEPTIONS[slug].hint
