"""``python -m benchmarks.mutation_run PATH... [--count 100] [--seed 0]``: mutants of files, and who survives.

Mutants are drawn from all of the files under the paths, by the seed. Each is tried by the tests that mirror its file
and the examples in it; one that survives these, by the other tests of their folder.
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
    """Return the files to mutate, without those that only list names."""
    found = {
        file for path in paths for file in ([ROOT / path] if path.endswith(".py") else (ROOT / path).rglob("*.py"))
    }
    wanted = [each for each in found if each.name not in ("__init__.py", "components.py") and "tests" not in each.parts]
    return sorted(each.relative_to(ROOT).as_posix() for each in wanted)


def tests_of(path: str) -> list[list[str]]:
    """Return the tests that mirror a file, its own examples among them, and then all of the folder that they lie in."""
    parts = Path(path).parts
    folder = Path("tests", *parts[1:-1]) if parts[0] == "corenet" else Path(*parts[:2], "tests")
    while not (ROOT / folder).is_dir():
        folder = folder.parent
    every = sorted(each.relative_to(ROOT).as_posix() for each in (ROOT / folder).glob("test_*.py"))
    names = {Path(path).stem, Path(path).stem.removesuffix("s"), parts[-2]}
    mirrors = [each for each in every if any(Path(each).stem.startswith(f"test_{name}") for name in names)]
    return [[path, *mirrors], [each for each in every if each not in mirrors]]


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
            if not any(trials.fails(tests, mutant) for tests in tests_of(mutant.path) if tests):
                survivors.append(mutant)
                print(f"survived: {mutant}", flush=True)
    killed = tried - len(survivors)
    print(f"{killed} of {tried} killed ({killed / max(tried, 1):.1%}), drawn from {len(mutants)}, seed {asked.seed}")
    return 1 if len(survivors) > tried / 20 else 0


if __name__ == "__main__":
    sys.exit(main())
