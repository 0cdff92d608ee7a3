"""How a component says what to try it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One way to build a component, and the inputs to prove its gradient on.

    A class whose constructor needs arguments, or whose domain is not all numbers,
    returns a list of these from ``conformance_cases()``.

    Args:
        arguments: keyword arguments of the constructor.
        shape: of the input (and of the target of a loss).
        domain: the interval that input is drawn from.
        target_domain: the interval that a loss's target is drawn from; ``domain`` if None.

    >>> Case({"in_features": 3, "out_features": 2}, shape=(4, 3)).domain
    (-2.0, 2.0)
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = (4, 3)
    domain: tuple[float, float] = (-2.0, 2.0)
    target_domain: tuple[float, float] | None = None
