"""A right component, and the numbers that it may be given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import corenet as cn

WIDE = (-1e12, 1e12)


@dataclass(frozen=True)
class Subject:
    """``build(width)`` makes a component; inputs lie within ``domain``, and often near one of ``edges``.

    ``shape`` turns a number of rows and a width into an input's. ``classes`` says that targets are class indices.
    """

    build: Callable[[int], cn.Module | cn.Loss]
    domain: tuple[float, float] = WIDE
    edges: tuple[float, ...] = (0.0,)
    shape: Callable[[int, int], tuple[int, ...]] = lambda rows, width: (rows, width)
    target: tuple[float, float] = WIDE
    classes: bool = False
