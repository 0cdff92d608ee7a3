"""``python -m benchmarks.mutation_run PATH... [--count 100] [--seed 0]``: mutants of files, and who survives.

Mutants are drawn from all of the files under the paths that a test mirrors, by the seed. Each is tried by these tests
and the examples in the file, not by the rest of the suite.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

import hypothesis  # noqa: F401 - what every trial needs is imported once
import numpy as np  # noqa: F401
import torch

from benchmarks.mutation_run.edits import edits
from benchmarks.mutation_run.trial import Mutant, Trials

ROOT = Path(__file__).parents[2]


def files_under(paths: list[str]) -> list[str]:
    """Return the files to mutate: those that a test mirrors, but for what only lists names."""
    found = {
        file for path in paths for file in ([ROOT / path] if path.endswith(".py") else (ROOT / path).rglob("*.py"))
    }
    wanted = [each.relative_to(ROOT).as_posix() for each in found if each.name not in ("__init__.py", "components.py")]
    return sorted(each for each in wanted if tests_of(each))


def tests_of(path: str) -> list[str]:
    """Return the tests that mirror a file; none if no test does."""
    parts = Path(path).parts
    folder = Path("tests", *parts[1:-1]) if parts[0] == "corenet" else Path(*parts[:2], "tests")
    names = {Path(path).stem, Path(path).stem.removesuffix("s"), Path(path).stem.removeprefix("guarded_")}
    found = [
        each for each in (ROOT / folder).glob("test_*.py") if any(each.stem.startswith(f"test_{n}") for n in names)
    ]
    return sorted(each.relative_to(ROOT).as_posix() for each in found)


def main() -> int:
    """Try the mutants, and tell which survive; 1 if more than one of twenty does."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation_run", description=__doc__)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60, help="no new mutant is begun after so many")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    begin = time.monotonic()
    mutants = [Mutant(path, edit) for path in files_under(asked.paths) for edit in edits((ROOT / path).read_bytes())]
    chosen = random.Random(asked.seed).sample(mutants, min(asked.count, len(mutants)))
    with tempfile.TemporaryDirectory() as folder:
        trials = Trials(ROOT, Path(folder))
        for name in sorted({Path(each.path).parts[1] for each in chosen if each.path.startswith("plugins/")}):
            trials.add_plugin(name)
        tried, survivors = 0, []
        for mutant in chosen:
            if time.monotonic() - begin > 60 * asked.minutes:
                break
            tried += 1
            if not trials.fails([mutant.path, *tests_of(mutant.path)], mutant):
                survivors.append(mutant)
                print(f"survived: {mutant}", flush=True)
    killed = tried - len(survivors)
    print(f"{killed} of {tried} killed ({killed / max(tried, 1):.1%}), drawn from {len(mutants)}, seed {asked.seed}")
    return 1 if len(survivors) > tried / 20 else 0


if __name__ == "__main__":
    sys.exit(main())
