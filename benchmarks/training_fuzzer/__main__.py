"""``python -m benchmarks.training_fuzzer [--runs 5000] [--interrupts 2000] [--seed 0] [--compiling 0.1]``."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter

import torch


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training_fuzzer", description=__doc__)
    parser.add_argument("--runs", type=int, default=0, help="trainings to compare with the plain engine's")
    parser.add_argument("--interrupts", type=int, default=0, help="trainings to interrupt somewhere")
    parser.add_argument("--seed", type=int, default=0, help="of the first")
    parser.add_argument("--compiling", type=float, default=0.1, help="the part of trainings that may compile")
    parser.add_argument("--kind", default="", help="a kind of module that each is to have")
    parser.add_argument("--say", action="store_true", help="a line for each")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    counts: Counter[str] = Counter()
    start = time.time()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder  # what is compiled here is of no use to anybody
        from benchmarks.training_fuzzer.interrupts import interrupted
        from benchmarks.training_fuzzer.verdict import verdict

        for seed in range(chosen.seed, chosen.seed + max(chosen.runs, chosen.interrupts)):
            tried = verdict if chosen.runs else interrupted
            found = tried(seed, chosen.compiling, chosen.kind)
            counts[found.kind] += 1
            if found.line or chosen.say:
                print(f"{found.kind}: {seed if not found.line else found.line}", flush=True)
    for what, number in sorted(counts.items()):
        print(f"{number:7d}  {what}")
    print(f"{time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
