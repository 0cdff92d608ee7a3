"""A CUDA device: the student projects' network, one and a thousand, by launches and by PyTorch's CUDA graphs."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from benchmarks.figure import bars
from benchmarks.labels import label_of
from benchmarks.problem import Settings
from benchmarks.race import race
from benchmarks.report import Report
from benchmarks.row import Row

ONE = (
    "torch_eager",
    "torch_fused",
    "torch_compile",
    "torch_cudagraph",
    "corenet_plain",
    "corenet_replay",
    "corenet_graph",
)
MANY = ("torch_sequential", "corenet_rounds", "corenet_rounds_graph")
EPOCHS, EPOCHS_OF_MANY, ROUNDS = 1000, 20, 1000
NO_DEVICE = "There is no CUDA device here, and nothing was timed."


def run(seconds: float, device: str) -> Report:
    """Race on the first CUDA device, by the clock: the processor's own time says nothing of it."""
    report = Report("gpu", "A small network on a CUDA device", draw=bars)
    if not torch.cuda.is_available():
        report.draw = None
        report.notes = [NO_DEVICE]
        return report
    alone = Settings(device="cuda", epochs=EPOCHS, threads=2)
    many = Settings(device="cuda", epochs=EPOCHS_OF_MANY, rounds=ROUNDS, threads=2)
    report.races[alone.name] = one = race(alone, ONE, seconds)
    report.races[many.name] = rounds = race(many, MANY, seconds)
    report.notes = [f"The CUDA device: {torch.cuda.get_device_name()}.", *compared(one), *of_rounds(one, rounds)]
    return report


def compared(rows: Sequence[Row]) -> list[str]:
    """Return how many times as fast launches are as PyTorch, plainly and with its CUDA graphs."""
    steps = _timed(rows)
    own = steps.get("corenet_graph")
    if own is None:
        return []
    peers = [name for name in ("torch_eager", "torch_compile", "torch_cudagraph") if name in steps]
    graph = label_of("corenet_graph")
    return [f"{graph} is {steps[name] / own:.2f} times as fast as {label_of(name)}." for name in peers]


def of_rounds(one: Sequence[Row], rounds: Sequence[Row]) -> list[str]:
    """Return how much longer a step of each round takes, one after the other, than a step of one training."""
    alone, in_rounds = _timed(one).get("corenet_graph"), _timed(rounds).get("corenet_rounds_graph")
    if alone is None or in_rounds is None:
        return []
    return [f"A step of {ROUNDS} rounds takes {ROUNDS * in_rounds / alone:.2f} times as long as one of one."]


def _timed(rows: Sequence[Row]) -> dict[str, float]:
    return {row.contestant: row.step_seconds for row in rows if not row.skipped}
