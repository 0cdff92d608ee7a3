"""The student projects' network, 2-25-25-25-1 with batches of 100 of 1000 points, on one thread, against every peer."""

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
    "corenet_step",
    "corenet_plain",
    "corenet_replay",
    "corenet_fit",
)
EPOCHS = 1000
ORDERS = (
    "JAX scan and the peers that are loops are handed the order of the batches; JAX scan, shuffling, draws it, "
    "as corenet's do, inside the time that is measured. A turn is a training of {steps:,} steps."
)


def run(seconds: float, device: str) -> Report:
    settings = Settings(device=device, epochs=EPOCHS)
    report = Report("small", "A small network", notes=[ORDERS.format(steps=EPOCHS * settings.steps)], draw=bars)
    report.races[settings.name] = race(settings, CONTESTANTS, seconds)
    return report
