"""``python -m benchmarks.wrong_use [--runs 100] [--seed 0] [--only NAME]``: so many wrong calls of each callable.

With plugins installed, those of their components too.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wrong_use", description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="calls of each")
    parser.add_argument("--seed", type=int, default=0, help="of the first call of each")
    parser.add_argument("--only", default="", help="a part of the names of those that are called")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    counts: Counter[str] = Counter()
    start = time.time()
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = name
        from benchmarks.wrong_use.subjects import subjects
        from benchmarks.wrong_use.verdict import judged

        os.chdir(name)  # a relative path is a right one
        called = [each for each in subjects() if chosen.only in each.name]
        for subject in called:
            for seed in range(chosen.seed, chosen.seed + chosen.runs):
                found = judged(subject, seed, Path(name))
                counts[found.kind] += 1
                if found.kind.startswith(("FINDING", "slow")):
                    print(f"{found.kind}: {found.line}", flush=True)
    print(f"{len(called)} callables, {counts.total():,} calls: {dict(counts)}; {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
