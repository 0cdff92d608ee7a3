"""Many small networks: 1, 10, 100 and 1000 independent rounds of the student projects' network, on one thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figure import lines
from benchmarks.problem import Settings
from benchmarks.race import race
from benchmarks.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTESTANTS = ("torch_sequential", "jax_vmap", "corenet_rounds")
EPOCHS = {1: 1000, 10: 300, 100: 100, 1000: 20}  # a chunk is a whole training of all rounds, and should last seconds
NOTE = (
    "A step is one of one model. PyTorch trains at most ten rounds, one after the other: its time a step does not "
    "depend on them."
)


def run(seconds: float, device: str) -> Report:
    report = Report("rounds", "Many rounds", notes=[NOTE], draw=draw)
    for rounds, epochs in EPOCHS.items():
        settings = Settings(rounds=rounds, epochs=epochs, device=device)
        name = settings.name if rounds > 1 else f"{settings.name}, 1 round"
        report.races[name] = race(settings, CONTESTANTS, seconds)
    return report


def draw(report: Report) -> Figure:
    curves = {}
    for place, name in enumerate(CONTESTANTS):
        rows = [races[place] for races in report.races.values()]
        points = [(count, 1e6 * row.step_seconds) for count, row in zip(EPOCHS, rows, strict=True) if not row.skipped]
        if points:
            curves[name] = tuple(zip(*points, strict=True))
    return lines({"rounds": curves}, report.title, "µs a step of one model")
