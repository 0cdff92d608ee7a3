"""``python -m benchmarks.backwards.verdicts [--draws 1000] [--slopes]``: right functions judged in their own dtype.

Of each draw the function, the dtype, the sizes, the scale and the numbers are another. Without ``--slopes`` the
gradient in its own dtype is held against that in float64, with it against differences in that dtype.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator

import torch

from benchmarks.backwards.survey import subjects
from corenet_torch.call import Call
from corenet_torch.checks.gradient import DRAWS, rounded
from corenet_torch.slopes import OwnSlopes
from corenet_torch.trial import FunctionTrial

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
SCALES = (0.1, 1.0, 3.0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backwards.verdicts", description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first draw")
    parser.add_argument("--slopes", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    counts: Counter[str] = Counter()
    start = time.process_time()
    for seed in range(chosen.first, chosen.first + chosen.draws):
        for dtype, accused in verdicts(seed, chosen.slopes):
            counts[dtype] += 1
            if accused:
                counts[f"{dtype}, accused"] += 1
                print(f"{seed} {accused}", flush=True)
    total = sum(count for name, count in counts.items() if "," not in name)
    accused = sum(count for name, count in counts.items() if "," in name)
    print(f"{total} verdicts, {accused} of a right gradient accuse it; {dict(counts)}")
    print(f"{time.process_time() - start:.0f} s of a core")


def verdicts(seed: int, slopes: bool) -> Iterator[tuple[str, str]]:
    """Yield the dtype and what is said, nothing of a right one, for each verdict on what is drawn."""
    chance = random.Random(seed)
    subject, dtype = chance.choice(subjects()), chance.choice(DTYPES)
    rows, columns = chance.randint(1, 12), chance.randint(1, 12)
    args = subject.args(rows, columns, dtype, seed, chance.choice(SCALES))
    trial = FunctionTrial(Call.of(subject.function, args), {}, seed)
    name = str(dtype).removeprefix("torch.")
    if slopes:
        for each in OwnSlopes(trial):
            yield name, f"{trial}: {each}" if each.is_wrong else ""
        return
    found = [rounded(trial, draw) for draw in range(DRAWS)]
    wrong = [each.wrong() for each in found]
    for part in found[0].judged():
        accused = all(part in each for each in wrong)
        yield name, f"{trial}: {part} {wrong[0][part]}" if accused else ""


if __name__ == "__main__":
    main()
