"""Every size: from the student projects' network, one of width, depth, batch and optimizer changed at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from benchmarks.figure import lines
from benchmarks.labels import label_of
from benchmarks.problem import Settings
from benchmarks.race import Survey, race
from benchmarks.report import Report
from benchmarks.row import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTESTANTS = ("torch_eager", "jax_scan", "corenet_fit", "corenet_compiled", "corenet_replay")
SURVEY = Survey(long=("corenet_fit",))
WIDTHS = (25, 64, 256, 1024, 4096)
DEPTHS = (1, 2, 4, 8, 12)
BATCHES = (1, 10, 100, 1000, 8192)
STEPS = 10_000  # of the longest turn, enough for corenet_fit to compile; and fewer
PRODUCTS = 1.4e10  # of a point and a weight, where these take longer: some seconds
NOTES = (
    "A step is one of the middle epoch of a turn: what compiling, recording and verifying take is in the first steps.",
    "corenet fit, auto, chooses its engine by the length of a turn: {most:,} steps of a small network, else fewer.",
)


def networks() -> Iterator[tuple[str, int, Settings]]:
    """Yield what is changed, to what, and the settings."""
    for width in WIDTHS:
        yield "width", width, _settings((2, width, width, width, 1))
    for depth in DEPTHS:
        yield "depth", depth, _settings((2, *[25] * (depth - 1), 1))
    for batch_size in BATCHES:
        yield "batch", batch_size, _settings((2, 25, 25, 25, 1), batch_size)
    for width in WIDTHS:
        yield "width with Adam", width, replace(_settings((2, width, width, width, 1)), **_adam(width))


def _settings(widths: tuple[int, ...], batch_size: int = 100) -> Settings:
    """Return a training of a thousand points, or four batches, and as many epochs as take seconds."""
    products = batch_size * sum(one * other for one, other in pairwise(widths))
    steps = min(STEPS, int(PRODUCTS / products))
    batches = max(4, min(1000 // batch_size, steps // 2))
    epochs = max(2, steps // batches)
    tolerance = 1e-3 if max(widths) >= 256 else 1e-5
    return Settings(widths, batch_size, batches * batch_size, epochs, lr=0.01, tolerance=tolerance)


def _adam(width: int) -> dict[str, Any]:
    """Return what differs with Adam: it takes a whole step by a gradient of next to nothing, so steps must be small.

    A weight of ``width ** -0.5`` moves by a part of 1e-4 in each; a unit that rounding wakes up, by much of that.
    """
    return {"optimizer": "adam", "lr": 1e-4 * width**-0.5, "tolerance": 3e-4}


def run(seconds: float, device: str) -> Report:
    """Race at each size, for ``seconds`` together or as long as three turns of each take, which is minutes."""
    report = Report("grid", "Every size", notes=[note.format(most=STEPS) for note in NOTES], draw=draw)
    sizes = list(networks())
    found: dict[Settings, list[Row]] = {}  # the student projects' network is on three axes
    curves: dict[str, list[tuple[float, str, float]]] = {}
    for axis, value, settings in sizes:
        if settings not in found:
            found[settings] = race(replace(settings, device=device), CONTESTANTS, seconds / len(sizes), SURVEY)
        report.races[f"{axis} {value}: {settings.name}"] = found[settings]
        curves[axis] = curves.get(axis, []) + [
            (value, row.contestant, 1e6 * row.step_seconds) for row in found[settings] if not row.skipped
        ]
    report.measured["curves"] = curves
    return report


def draw(report: Report) -> Figure:
    """Draw how many times as fast as the first each is: in the times themselves one sees little but size."""
    panels = {}
    for axis, points in report.measured["curves"].items():
        first = {x: y for x, name, y in points if name == CONTESTANTS[0]}
        each = {
            name: [(x, first[x] / y) for x, other, y in points if other == name and x in first] for name in CONTESTANTS
        }
        panels[axis] = {name: tuple(zip(*found, strict=True)) for name, found in each.items() if found}
    return lines(panels, report.title, f"times as fast as {label_of(CONTESTANTS[0])}")
