"""A diagnosis as data: which pattern fits, what it means, and the line to look at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnosis:
    """What a wrong gradient likely means. ``code`` names the pattern, such as ``scaling.sign``; each may be empty.

    >>> print(Diagnosis("scaling.sign", "the sign is wrong", "swish.py:26: return -dx"))
    the sign is wrong
    swish.py:26: return -dx
    """

    code: str = ""
    text: str = ""
    line: str = ""

    def __str__(self) -> str:
        return "\n".join(part for part in (self.text, self.line) if part)
