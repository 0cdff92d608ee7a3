"""Networks in which the matrix products are nearly all of the time, on two threads."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.figure import bars
from benchmarks.problem import Settings
from benchmarks.race import race
from benchmarks.report import Report

CONTESTANTS = (
    "torch_eager",
    "torch_compile",
    "jax_step",
    "jax_scan",
    "sklearn_mlp",
    "corenet_loop",
    "corenet_plain",
    "corenet_replay",
    "corenet_fit",
)
NETWORKS = (
    Settings(widths=(64, 512, 512, 512, 10), batch_size=100, points=1000, epochs=200, threads=2, tolerance=1e-3),
    Settings(widths=(256, 1024, 1024, 10), batch_size=256, points=2560, epochs=50, threads=2, tolerance=1e-3),
)


NOTE = "A turn is long enough for cn.fit to compile: {0:,} steps of the first network, {1:,} of the second."


def run(seconds: float, device: str) -> Report:
    note = NOTE.format(*(settings.epochs * settings.steps for settings in NETWORKS))
    report = Report("wide", "Wide networks", notes=[note], draw=bars)
    for settings in NETWORKS:
        report.races[settings.name] = race(replace(settings, device=device), CONTESTANTS, seconds)
    return report
