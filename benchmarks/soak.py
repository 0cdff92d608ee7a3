"""Hours of training in one process: ``python -m benchmarks.soak [--steps N] [--engine NAME] [--epoch-steps N]``.

A network with dropout and momentum trains on one thread, saved every minute. Told is, for each tenth of the way, what
memory the process holds and what a step takes; at the end, whether both stayed flat, and whether the engine is still
where the plain step would be: from the weights of the beginning, and from those of the end.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import torch

import corenet as cn
from corenet.contracts.callback import Training
from corenet.machine import machine

BATCH = 10
PARTS = 10
HEADING = "       steps  memory (MiB)   µs a step  of processor    load"
DRIFT_STEPS = 100
MEMORY = 8.0  # MiB by which it may grow from the second part to the last, beside the history
RECORD = 1e-3  # MiB of the history for each epoch, at most
SPEED = 1.25  # times the processor's time of a step, likewise
# Of an engine beside the plain step: the roundings by which one step may differ, for each step (docs/engines.md).
DRIFT = 100 * torch.finfo(torch.float32).eps


@dataclass(frozen=True)
class Sample:
    """Where the training was: steps done, seconds on the wall and of the processor, memory in MiB."""

    steps: int
    wall: float
    cpu: float
    memory: float


class Sampling(cn.Callback):
    """Takes a sample at the end of each part of a training."""

    def __init__(self, epoch_steps: int, every: int) -> None:
        self.epoch_steps, self.every = epoch_steps, every
        self.samples: list[Sample] = []

    def begin(self, training: Training) -> None:
        """Take the first sample."""
        self._sample(training)

    def after_epoch(self, training: Training) -> None:
        """Take one if it is time."""
        if training.epoch % self.every == 0:
            self._sample(training)

    def _sample(self, training: Training) -> None:
        self.samples.append(Sample(training.epoch * self.epoch_steps, perf_counter(), process_time(), memory()))
        if len(self.samples) > 1:
            print(row(*self.samples[-2:]), flush=True)


def memory() -> float:
    """Return the memory that this process holds, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / 2**20


def row(before: Sample, after: Sample) -> str:
    """Return the row of a part in the table."""
    steps = after.steps - before.steps
    wall, cpu = (1e6 * (getattr(after, each) - getattr(before, each)) / steps for each in ("wall", "cpu"))
    return f"{after.steps:>12,}{after.memory:>14.1f}{wall:>12.2f}{cpu:>14.2f}{os.getloadavg()[0]:>8.1f}"


def learner() -> tuple[Any, Any, Any]:
    """Return the network of the student projects, with dropout, its loss and its optimizer."""
    torch.manual_seed(0)
    middle = (cn.Linear(2, 25), cn.Tanh(), cn.Dropout(0.1), cn.Linear(25, 25), cn.ReLU(), cn.Dropout(0.1))
    model = cn.Sequential(*middle, cn.Linear(25, 1), cn.Sigmoid())
    return model, cn.BCELoss(), cn.SGD(model.parameters(), lr=0.01, momentum=0.9)


def soak(folder: Path, engine: str, epochs: int, data: Any) -> list[Sample]:
    """Train for so many epochs, saved every minute, and return the samples."""
    sampling = Sampling(len(data) // BATCH, max(1, epochs // PARTS))
    saved = {"checkpoint": folder, "every": "60 seconds"}
    options = {"engine": engine, "callbacks": [sampling], "progress": False}
    history = cn.fit(*learner(), data, epochs=epochs, batch_size=BATCH, **saved, **options)
    assert history.engine == engine, f"{history.engine} trained"
    return sampling.samples


def drift(made: Any, engine: str) -> float:
    """Return how far an engine's weights are from the plain step's after some steps, beside how far these came."""
    found, data = {}, cn.data.disk(DRIFT_STEPS * BATCH, seed=2)
    for each in ("plain", engine):
        model, loss, optimizer = made()
        before = torch.cat([weight.reshape(-1) for weight in model.parameters()])
        cn.fit(model, loss, optimizer, data, epochs=1, batch_size=BATCH, engine=each, progress=False)
        found[each] = torch.cat([weight.reshape(-1) for weight in model.parameters()])
    move = (found["plain"] - before).abs().max()
    return float((found[engine] - found["plain"]).abs().max() / move)


def saved_in(folder: Path) -> tuple[Any, Any, Any]:
    """Return model, loss and optimizer of the newest checkpoint."""
    found = cn.load(max(folder.glob("checkpoint-*")))
    return found.model, found.loss, found.optimizer


def faults_of(samples: list[Sample], drifts: dict[str, float], epochs: int) -> list[str]:
    """Return what did not stay as it was. The first part is not counted: in it a step is recorded and compiled."""
    second, last = samples[2], samples[-1]
    found = []
    grown, allowed = last.memory - second.memory, MEMORY + RECORD * epochs
    if grown > allowed:
        found.append(f"memory grew by {grown:.1f} MiB, more than {allowed:.1f}")
    times = [(after.cpu - before.cpu) / (after.steps - before.steps) for before, after in pairwise(samples[1:])]
    slower = median(times[len(times) // 2 :]) / median(times[: len(times) // 2])
    if slower > SPEED:
        found.append(f"a step takes {slower:.2f} times as long in the second half")
    found += [
        f"after {DRIFT_STEPS} steps from the {where} weights the engine is {drift:.1e} away"
        for where, drift in drifts.items()
        if not drift <= DRIFT * DRIFT_STEPS
    ]
    return found


def main() -> int:
    """Soak, and tell what was found; 1 if anything did not stay as it was."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--engine", default="compiled", choices=("plain", "replay", "compiled"))
    parser.add_argument("--epoch-steps", type=int, default=1000)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    epochs, data = asked.steps // asked.epoch_steps, cn.data.disk(asked.epoch_steps * BATCH, seed=0)
    print(HEADING, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        samples = soak(Path(folder), asked.engine, epochs, data)
        drifts = {"first": drift(learner, asked.engine), "last": drift(lambda: saved_in(Path(folder)), asked.engine)}
    for where, each in drifts.items():
        print(f"{DRIFT_STEPS} steps from the {where} weights: {each:.1e} of the way from the plain step's")
    faults = faults_of(samples, drifts, epochs)
    print(f"{samples[-1].wall - samples[0].wall:.0f} s; {len(faults)} faults; {machine()}", *faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
