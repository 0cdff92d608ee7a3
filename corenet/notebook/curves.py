"""Curves as an inline drawing in SVG, without a library, and in colours that a light and a dark page both carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import isfinite, log10

from corenet.registry.sanitize import plain

COLOURS = ("#2f81f7", "#d2691e", "#2e9e5b", "#a463f2", "#c94f7c", "#808080")  # each 3 : 1 against white and black
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 480, 220, 56, 34, 10
POINTS = 400  # of a curve, at most

Points = Sequence[tuple[float, float]]


def curves(named: Mapping[str, Points], x: str, y: str, *, logarithmic: bool = False, mark: float | None = None) -> str:
    """Return a drawing of curves by their names, with axes in the colour of the page's text.

    Points that are not finite are left out, and so is every other one where there are very many.

    Args:
        named: the points ``(x, y)`` of each curve.
        x, y: what the axes are.
        logarithmic: whether x is drawn by its logarithm; all are positive then.
        mark: a place on the x-axis at which a line stands.

    >>> curves({"loss": [(1, 0.5), (2, 0.25)]}, "epoch", "loss").count("<polyline")
    1
    """
    points = {
        name: [(log10(a) if logarithmic else a, b) for a, b in _thinned(each) if isfinite(a) and isfinite(b)]
        for name, each in named.items()
    }
    every = [point for each in points.values() for point in each]
    if not every:
        return ""
    across, up = _Scale([a for a, _ in every], LEFT, WIDTH - 10), _Scale([b for _, b in every], HEIGHT - BOTTOM, TOP)
    parts = [*_axes(across, up, x, y, logarithmic=logarithmic), *_lines(points, across, up)]
    if mark is not None:
        at = across(log10(mark) if logarithmic else mark)
        style = 'stroke="currentColor" stroke-dasharray="4 3"'
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" {style}/>')
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" style="max-width:100%;height:auto"'
    font = 'font-family="sans-serif" font-size="11" fill="currentColor"'
    title = f"<title>{escape(plain(', '.join(named)))} by {escape(plain(x))}</title>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} {font}>{title}{"".join(parts)}</svg>'


class _Scale:
    """From numbers to places in the drawing."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self.least, self.most = min(values), max(values)
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        span = self.most - self.least
        return self._start + ((value - self.least) / span if span else 0.5) * (self._end - self._start)


def _axes(across: _Scale, up: _Scale, x: str, y: str, *, logarithmic: bool) -> Iterator[str]:
    low = HEIGHT - BOTTOM
    style = 'fill="none" stroke="currentColor" stroke-opacity="0.5"'
    yield f'<path d="M{LEFT} {TOP}V{low}H{WIDTH - 10}" {style}/>'
    for value, anchor in ((across.least, "start"), (across.most, "end")):
        shown = 10**value if logarithmic else value
        yield _text(across(value), low + 14, anchor, f"{shown:.3g}")
    yield _text((LEFT + WIDTH) / 2, HEIGHT - 6, "middle", x)
    for value in (up.least, up.most):
        yield _text(LEFT - 5, up(value) + 4, "end", f"{value:.3g}")
    yield _text(LEFT - 5, (TOP + low) / 2, "end", y)


def _lines(points: Mapping[str, Points], across: _Scale, up: _Scale) -> Iterator[str]:
    """Yield each curve, and its name at the top right in its colour."""
    for place, (name, each) in enumerate(points.items()):
        colour = COLOURS[place % len(COLOURS)]
        drawn = " ".join(f"{across(a):.1f},{up(b):.1f}" for a, b in each)
        yield f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="1.8"/>'
        yield f'<g fill="{colour}">{_text(WIDTH - 12, TOP + 12 + 14 * place, "end", name)}</g>'


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(plain(text))}</text>'


def _thinned(points: Points) -> Points:
    """Return at most so many points, the last among them."""
    every = -(-len(points) // POINTS)
    return points if every <= 1 else [*points[::every], points[-1]]
