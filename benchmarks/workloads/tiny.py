"""The smallest networks, where a step is little but its beginning: one layer, and one that SimpleChains.jl shows."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.figure import bars
from benchmarks.problem import Settings
from benchmarks.race import race
from benchmarks.report import Report

CONTESTANTS = ("torch_eager", "jax_scan", "jax_scan_shuffles", "corenet_fit")
NETWORKS = (
    Settings(widths=(2, 1), epochs=1000),
    Settings(widths=(24, 8, 2), batch_size=200, points=2000, epochs=1000, dtype="float64"),
)
NOTE = (
    "SimpleChains.jl says of 24-8-2, batch 200, float64: 5.66 µs for the gradient alone, on another machine, with tanh "
    "and no update (its README, read in November 2026)."
)


def run(seconds: float, device: str) -> Report:
    """Race with each network."""
    report = Report("tiny", "The smallest networks", notes=[NOTE], draw=bars)
    for settings in NETWORKS:
        report.races[settings.name] = race(replace(settings, device=device), CONTESTANTS, seconds)
    return report
