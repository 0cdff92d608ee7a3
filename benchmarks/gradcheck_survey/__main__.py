"""``python -m benchmarks.gradcheck_survey [--draws 10000] [--first SEED] [--component NAME] [--processes 2]``."""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import torch

from benchmarks.gradcheck_survey.draw import BUILT_IN, SUBJECTS
from benchmarks.gradcheck_survey.survey import Tally, surveyed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gradcheck_survey", description=__doc__)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first draw")
    parser.add_argument("--component", default="", help=", ".join(SUBJECTS))
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    tally, start = Tally(), time.time()
    seeds = range(chosen.first, chosen.first + chosen.draws)
    with ProcessPoolExecutor(chosen.processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for each in pool.map(partial(surveyed, name=chosen.component), seeds, chunksize=20):
            tally.add(each)
            for line in each.blamed:
                print(line, flush=True)
    print(f"{chosen.draws} draws of {len(SUBJECTS)} components, {len(BUILT_IN)} modules of them built in")
    for what, count in sorted(tally.counts.items()):
        print(f"{count:7d}  {what}")
    print(f"{time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
