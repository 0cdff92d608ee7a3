"""What a step takes by one process and by several: ``torchrun --nproc-per-node 2 -m benchmarks.ranks``.

``python -m benchmarks.ranks`` is the same by one process. Each thread count is what OMP_NUM_THREADS says, 1 under
torchrun. Told is the step of the quickest epoch, by the clock and by the time of the processor. On a machine that does
other things too only the latter says something: two processes are given more of such a machine than one.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from itertools import pairwise
from time import process_time

import torch

import corenet as cn
from corenet.contracts.callback import Training
from corenet.machine import machine
from corenet.training.ranks.directly import SENT
from corenet.training.ranks.joining import is_launched


@dataclass(frozen=True)
class Work:
    """A network and its training."""

    widths: tuple[int, ...]
    rows: int
    batch: int
    epochs: int

    def model(self) -> cn.Module:
        """Return the network, always with the same weights."""
        torch.manual_seed(0)
        layers = [layer for sizes in pairwise(self.widths) for layer in (cn.Linear(*sizes), cn.ReLU())]
        return cn.Sequential(*layers[:-1])


WORKS = {
    "small": Work((2, 25, 25, 1), rows=2000, batch=100, epochs=40),
    "wide": Work((784, 1024, 1024, 10), rows=2048, batch=512, epochs=8),
}


class Clock(cn.Callback):
    """Notes the processor's time of this process after each epoch."""

    def begin(self, training: Training) -> None:
        """Begin anew."""
        self.times = [process_time()]

    def after_epoch(self, training: Training) -> None:
        """Note the time."""
        self.times.append(process_time())


def measured(work: Work, engine: str, every: int) -> str:
    """Train and return what a step took."""
    model = work.model()
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(work.rows, work.widths[0], generator=generator)
    data = cn.data.Dataset(inputs, torch.randn(work.rows, work.widths[-1], generator=generator))
    optimizer = cn.SGD(model.parameters(), lr=0.001, momentum=0.9)
    clock = Clock()
    history = cn.fit(
        model,
        cn.MSELoss(),
        optimizer,
        data,
        epochs=work.epochs,
        batch_size=work.batch,
        engine=engine,
        callbacks=[clock],
        progress=False,
        distributed=is_launched(),
        exchange_every=every,
    )
    steps = -(-work.rows // work.batch)
    wall = min(1e6 * epoch.seconds / steps for epoch in history[1:])
    cpu = min(1e6 * (end - start) / steps for start, end in pairwise(clock.times[1:]))
    numbers = sum(each.numel() for each in model.parameters())
    most = min(every, steps)  # for they exchange at the end of an epoch, too
    flat = numbers if every == 1 else 2 * numbers  # gradients; weights and velocities
    sent = f"{sent_by_a_rank(flat) * -(-steps // most) / steps:>12,.0f}" if is_launched() else f"{'—':>12}"
    return f"{history.engine:>9} {wall:>12,.0f} {cpu:>12,.0f} {sent}"


def sent_by_a_rank(numbers: int) -> float:
    """Return the bytes that a rank sends to exchange so many numbers of float32."""
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    if 8 * numbers * (ranks - 1) <= SENT:
        return 8 * numbers * (ranks - 1)
    return min(4 * numbers * (ranks - 1), 16 * numbers * (ranks - 1) / ranks)


def main() -> None:
    """Measure, and print what the first rank found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", choices=WORKS, action="append", help="by default all")
    parser.add_argument("--engine", choices=("plain", "auto"), action="append", help="by default both")
    parser.add_argument("--exchange-every", type=int, default=1, metavar="N", help="batches between two exchanges")
    asked = parser.parse_args()
    ranks, is_first = int(os.environ.get("WORLD_SIZE", "1")), os.environ.get("RANK", "0") == "0"
    heading = f"{'network':>8} {'ranks':>5} {'engine':>9} {'µs a step':>12} {'of processor':>12} {'bytes a step':>12}"
    lines = [f"{machine()}, load {os.getloadavg()[0]:.1f}, {torch.get_num_threads()} thread a rank", heading]
    for name in asked.work or WORKS:
        for engine in asked.engine or ("plain", "auto"):
            lines.append(f"{name:>8} {ranks:>5} {measured(WORKS[name], engine, asked.exchange_every)}")  # noqa: PERF401 - it takes minutes
    if is_first:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
