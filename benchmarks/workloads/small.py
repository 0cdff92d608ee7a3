"""The seeds' network, 2-25-25-25-1 with batches of 100 of 1000 points, on one thread, against every peer."""

from __future__ import annotations

from benchmarks.figure import bars
from benchmarks.problem import Settings
from benchmarks.race import race
from benchmarks.report import Report

CONTESTANTS = (
    "torch_eager",
    "torch_fused",
    "torch_compile",
    "jax_step",
    "jax_scan",
    "jax_scan_shuffles",
    "sklearn_mlp",
    "thinc_chain",
    "corenet_loop",
    "corenet_plain",
    "corenet_fit",
)
ORDERS = (
    "jax_scan and the peers that are loops are handed the order of the batches; jax_scan_shuffles draws it, "
    "as corenet's three do, inside the time that is measured."
)


def run(seconds: float, device: str) -> Report:
    settings = Settings(device=device)
    report = Report("small", "A small network", notes=[ORDERS], draw=bars)
    report.races[settings.name] = race(settings, CONTESTANTS, seconds)
    return report
