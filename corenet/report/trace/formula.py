"""The formulas of a module, as its author wrote them above the code."""

from __future__ import annotations

import inspect
import re

from corenet.contracts.module import Module
from corenet.registry.sanitize import plain

BETWEEN = 5  # spaces that keep two formulas on one line apart
BLOCK = 4  # by how much a block of formulas stands further to the right, as in reStructuredText


def formulas(cls: type[Module]) -> list[str]:
    """Return the first line of a class's docstring, and those of its blocks of formulas, which stand behind ``::``.

    >>> import corenet as cn
    >>> for line in formulas(cn.Linear):
    ...     print(line)
    Affine map y = x Wᵀ + b.
    dW = dyᵀ x     db = Σₙ dyₙ     dx = dy W
    """
    first, *lines = (inspect.cleandoc(cls.__doc__) if cls.__doc__ else "").splitlines() or [""]
    found, inside = [first.replace("``", "").removesuffix("::")], first.endswith("::")
    for line in lines:
        stands_out = line.startswith(" " * BLOCK)
        if inside and stands_out:
            found.append(line[BLOCK:])
        inside = line.endswith("::") if not stands_out and line else inside
    return [_spaced(each) for each in found if each]


def _spaced(line: str) -> str:
    """Return a line of formulas without control characters, and with the same space between any two formulas."""
    return (" " * BETWEEN).join(plain(each) for each in re.split(r"\s{2,}", line))
