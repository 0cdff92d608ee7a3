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
    "corenet_fit",
    "corenet_compiled",
)
NETWORKS = (
    Settings(widths=(64, 512, 512, 512, 10), batch_size=100, points=1000, epochs=20, threads=2, tolerance=1e-3),
    Settings(widths=(256, 1024, 1024, 10), batch_size=256, points=2560, epochs=20, threads=2, tolerance=1e-3),
)


def run(seconds: float, device: str) -> Report:
    report = Report("wide", "Wide networks", draw=bars)
    for settings in NETWORKS:
        report.races[settings.name] = race(replace(settings, device=device), CONTESTANTS, seconds)
    return report
