"""Curves over the epochs as a drawing: each run a line, with a band where it had several rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import mean

from corenet.report.html.scale import Scale

MOST = 300  # points of a line that are drawn
Values = Sequence[float | None]
Span = tuple[float, float, float]  # of the rounds, the least value, the mean and the largest


@dataclass(frozen=True)
class Curve:
    """What a line shows: for each round the values after epoch 1, 2, …, None where there is none."""

    name: str
    rounds: tuple[Values, ...]

    @property
    def epochs(self) -> int:
        """How many epochs the longest round had."""
        return max(map(len, self.rounds), default=0)

    def at(self, place: int) -> list[float]:
        """Return what the rounds had after an epoch."""
        found = (values[place] for values in self.rounds if place < len(values))
        return [value for value in found if value is not None and math.isfinite(value)]


@dataclass(frozen=True)
class Line:
    """A curve as paths of an SVG, in a space of 100 × 100; the band reaches from the least round to the largest."""

    name: str
    path: str
    band: str


@dataclass(frozen=True)
class Tick:
    """A label on an axis, and where it stands, in per cent."""

    place: float
    text: str


@dataclass(frozen=True)
class LineChart:
    """Lines in one pair of axes; ``log`` tells whether the vertical one is logarithmic, ``mark`` has one epoch."""

    title: str
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    upward: tuple[Tick, ...]
    log: bool
    mark: Tick | None = None

    @classmethod
    def of(cls, title: str, curves: Sequence[Curve], mark: int | None = None) -> LineChart | None:
        """Return the drawing of curves; None where they have no value.

        >>> chart = LineChart.of("loss", [Curve("training", ([4.0, 2.0, 1.0],))])
        >>> [tick.text for tick in chart.across], chart.lines[0].path
        (['1', '2', '3'], 'M0.0 3.8L50.0 51.9L100.0 76.0')
        """
        epochs = max((curve.epochs for curve in curves), default=0)
        places = _spread(epochs)
        spans = [[_span(curve.at(place)) for place in places] for curve in curves]
        there = [each for span in spans for each in span if each]
        if not there:
            return None
        x, y = Scale(1, max(epochs, 2)), Scale.of(min(low for low, *_ in there), max(high for *_, high in there))
        lines = [_line(curve.name, span, places, x, y) for curve, span in zip(curves, spans, strict=True)]
        whole = [each for each in x.round(5) if each.is_integer()]
        marked = ticks(x, [mark])[0] if mark and epochs > 1 else None
        return cls(title, tuple(lines), ticks(x, whole), ticks(y, y.round(4)), y.log, marked)


def ticks(scale: Scale, values: Sequence[float]) -> tuple[Tick, ...]:
    """Return labels of values along an axis."""
    return tuple(Tick(scale.place(value), f"{value:.4g}") for value in values)


def _spread(epochs: int) -> list[int]:
    """Return the epochs to draw, counted from 0: all, or as many as are drawn, evenly spread, the last among them."""
    if epochs <= MOST:
        return list(range(epochs))
    return [round(each * (epochs - 1) / (MOST - 1)) for each in range(MOST)]


def _span(values: list[float]) -> Span | None:
    return (min(values), mean(values), max(values)) if values else None


def _line(name: str, spans: Sequence[Span | None], places: Sequence[int], x: Scale, y: Scale) -> Line:
    """Return a line that is broken where no round has a value."""
    there = [(x.place(place + 1), span) for place, span in zip(places, spans, strict=True)]
    pieces = [list(piece) for is_there, piece in groupby(there, key=lambda each: each[1] is not None) if is_there]
    path = "".join(_path([(at, y.place(span[1])) for at, span in piece if span]) for piece in pieces)
    wide = any(span and span[0] < span[2] for span in spans)
    band = "".join(_path(_around(piece, y)) + "Z" for piece in pieces) if wide else ""
    return Line(name, path, band)


def _around(piece: Sequence[tuple[float, Span | None]], y: Scale) -> list[tuple[float, float]]:
    """Return the outline of a band: along the largest, and back along the least."""
    return [
        *((at, y.place(span[2])) for at, span in piece if span),
        *((at, y.place(span[0])) for at, span in reversed(piece) if span),
    ]


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Return points of an area whose origin is below as the path of an SVG, whose origin is above."""
    path = "L".join(f"{x:.1f} {100 - y:.1f}" for x, y in points)
    return f"M{path}h0" if len(points) == 1 else f"M{path}"  # of a line without length the round ends are drawn
