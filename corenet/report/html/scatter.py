"""What was predicted over what is true, as a drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from corenet.report.html.line_chart import Tick, ticks
from corenet.report.html.scale import Scale


@dataclass(frozen=True)
class Scatter:
    """Points as the path of an SVG in a space of 100 × 100, both axes alike: where both are equal is the diagonal.

    >>> Scatter.of([0.0, 1.0], [0.0, 1.0]).path
    'M3.7 96.3h0M96.3 3.7h0'
    """

    path: str
    across: tuple[Tick, ...]
    upward: tuple[Tick, ...]

    @classmethod
    def of(cls, true: Sequence[float], predicted: Sequence[float]) -> Scatter | None:
        """Return the drawing of the finite points; None where there is none."""
        points = [each for each in zip(true, predicted, strict=True) if all(map(math.isfinite, each))]
        if not points:
            return None
        values = [value for point in points for value in point]
        scale = Scale.even(min(values), max(values))
        path = "".join(f"M{scale.place(x):.1f} {100 - scale.place(y):.1f}h0" for x, y in points)
        return cls(path, ticks(scale, scale.round(4)), ticks(scale, scale.round(4)))
