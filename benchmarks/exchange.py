"""What an exchange of ranks costs, by its size: ``torchrun --nproc-per-node 2 -m benchmarks.exchange``.

Ranks that have nothing else to do add up numbers in float64, as a training does after each step. Told is the median, by
the clock and by the processor's time of one rank.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time

import torch

from corenet.training.ranks.joining import joined
from corenet.training.ranks.world import World

SIZES = (6_024, 60_000, 600_000, 2_000_000, 6_000_000, 14_909_536)  # bytes; the first and last are of benchmarks.ranks


@dataclass(frozen=True)
class Exchange:
    """What one took: bytes, seconds by the clock, and of the processor."""

    bytes: int
    seconds: float
    processor: float


def measured(world: World, size: int, times: int) -> Exchange:
    """Add up so many bytes so many times."""
    numbers = torch.zeros(size // 8, dtype=torch.float64)
    clock, processor = [], []
    for _ in range(times + 3):  # the first make connections
        start, began = perf_counter(), process_time()
        world.add_up(numbers)
        clock.append(perf_counter() - start)
        processor.append(process_time() - began)
    return Exchange(size, median(clock[3:]), sum(processor[3:]) / times)


def read(text: str) -> list[Exchange]:
    """Return what this program has printed as the first rank.

    >>> read("2 ranks, load 0.1\\n bytes  µs  of processor  times\\n 6,024  1,264  286  1000")
    [Exchange(bytes=6024, seconds=0.001264, processor=0.000286)]
    """
    lines = [line.replace(",", "").split() for line in text.splitlines()[2:]]
    return [Exchange(int(size), float(clock) / 1e6, float(processor) / 1e6) for size, clock, processor, _ in lines]


def main() -> None:
    """Measure, and print what the first rank found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="for each size, at the most about so long")
    parser.add_argument("--bytes", type=int, action="append", help="by default several sizes")
    asked = parser.parse_args()
    with joined() as world:
        if world.is_first:
            print(f"{world.size} ranks, load {os.getloadavg()[0]:.1f}")
            print(f"{'bytes':>12} {'µs':>12} {'of processor':>12} {'times':>6}")
        for size in asked.bytes or SIZES:
            once = float(world.told(str(measured(world, size, 3).seconds)))
            times = int(min(1000, max(5, asked.seconds / once)))
            found = measured(world, size, times)
            if world.is_first:
                line = f"{1e6 * found.seconds:>12,.0f} {1e6 * found.processor:>12,.0f} {times:>6}"
                print(f"{size:>12,} {line}", flush=True)


if __name__ == "__main__":
    main()
