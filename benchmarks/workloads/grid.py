"""Every size: from the seeds' network, one of width, depth, batch and optimizer changed at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import corenet as cn
from benchmarks.figure import lines
from benchmarks.problem import Settings
from benchmarks.race import race
from benchmarks.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTESTANTS = ("torch_eager", "jax_scan", "corenet_fit")
WIDTHS = (25, 64, 128, 256, 512, 1024, 2048, 4096)
DEPTHS = (1, 2, 4, 8, 12)
BATCHES = (1, 10, 100, 1000, 8192)
STEPS = 10  # of an epoch
EPOCHS = 20


def networks() -> Iterator[tuple[str, float, Settings]]:
    """Yield what is changed, to what, and the settings."""
    for width in WIDTHS:
        yield "width", width, _settings((2, width, width, width, 1))
    for depth in DEPTHS:
        yield "depth", depth, _settings((2, *[25] * (depth - 1), 1))
    for batch_size in BATCHES:
        yield "batch", batch_size, _settings((2, 25, 25, 25, 1), batch_size)
    if any(row.name == "adam" for row in cn.components("optimizer")):
        for width in WIDTHS:
            yield "width with Adam", width, _settings((2, width, width, width, 1), optimizer="adam", lr=0.001)


def _settings(widths: tuple[int, ...], batch_size: int = 100, optimizer: str = "sgd", lr: float = 0.01) -> Settings:
    points = STEPS * batch_size
    return Settings(widths, batch_size, points, EPOCHS, optimizer=optimizer, lr=lr)


def run(seconds: float, device: str) -> Report:
    """Race at each size, for ``seconds`` together."""
    report = Report("grid", "Every size", draw=draw)
    sizes = list(networks())
    curves: dict[str, list[tuple[float, str, float]]] = {}
    for axis, value, settings in sizes:
        rows = race(replace(settings, device=device), _contestants(settings), seconds / len(sizes))
        report.races[f"{axis} {value}: {settings.name}"] = rows
        for row in rows:
            if not row.skipped:
                curves.setdefault(axis, []).append((value, row.contestant, 1e6 * row.step_seconds))
    report.measured["curves"] = curves
    return report


def _contestants(settings: Settings) -> tuple[str, ...]:
    """Return who can: the JAX contestants are written for SGD."""
    return tuple(name for name in CONTESTANTS if settings.optimizer == "sgd" or not name.startswith("jax"))


def draw(report: Report) -> Figure:
    panels = {}
    for axis, points in report.measured["curves"].items():
        each = {name: [(x, y) for x, other, y in points if other == name] for name in CONTESTANTS}
        panels[axis] = {name: tuple(zip(*found, strict=True)) for name, found in each.items() if found}
    return lines(panels, report.title, "µs a step")
