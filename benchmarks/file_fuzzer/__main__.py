"""``python -m benchmarks.file_fuzzer [--runs 1000000] [--seed 0] [--findings FOLDER]``: needs ``pip install atheris``.

Coverage-guided: what reaches new code of corenet's reader is kept and changed further. Half of the changes are of
bytes, half know the format; nine in ten files have their checksum set right afterwards, so that it hides nothing.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["corenet.checkpoint", "corenet.tables.saved", "corenet.tables.coding"]):
    import corenet.checkpoint.loading  # noqa: F401

import torch

from benchmarks.file_fuzzer.changes import changed, signed
from benchmarks.file_fuzzer.samples import samples
from benchmarks.file_fuzzer.verdict import Judge

LONGEST = 16_384


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.file_fuzzer", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="files to try")
    parser.add_argument("--seed", type=int, default=1, help="of libFuzzer")
    parser.add_argument("--findings", type=Path, default=Path("findings"), help="where files that are found are kept")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        folder = Path(name)
        corpus = folder / "corpus"
        corpus.mkdir()
        judge = Judge(folder / "file")
        for index, content in enumerate(samples(folder)):
            (corpus / str(index)).write_bytes(content)
            judge(content)  # what is imported and allocated once is no finding
        tried = Tried(judge, chosen.runs, chosen.findings)
        arguments = [f"-runs={chosen.runs}", f"-seed={chosen.seed}", f"-max_len={LONGEST}", "-len_control=0"]
        atheris.Setup([sys.argv[0], *arguments, "-verbosity=0", str(corpus)], tried, custom_mutator=mutated)
        atheris.Fuzz()


def mutated(content: bytes, longest: int, seed: int) -> bytes:
    draw = random.Random(seed)
    found = changed(content, draw) if draw.random() < 0.5 else atheris.Mutate(content, longest)
    return (found if draw.random() < 0.1 else signed(found))[:longest]


class Tried:
    """Counts what came of the files, keeps the first of each finding, and says it every ten thousand and at the end."""

    def __init__(self, judge: Judge, runs: int, findings: Path) -> None:
        self._judge, self._runs, self._findings = judge, runs, findings
        self._counts: Counter[str] = Counter()
        self._start = time.time()

    def __call__(self, content: bytes) -> None:
        found = self._judge(content)
        self._counts[found] += 1
        if found.startswith("FINDING") and self._counts[found] == 1:
            self._findings.mkdir(exist_ok=True)
            (self._findings / f"{len(self._counts)}").write_bytes(content)
            print(found, flush=True)
        if self._counts.total() % 10_000 == 0 or self._counts.total() == self._runs:
            kinds = Counter[str]()
            for each, count in self._counts.items():
                kinds[each.partition(" ")[0]] += count
            said = ", ".join(f"{count:,} {each}" for each, count in sorted(kinds.items()))
            print(f"{self._counts.total():,} files: {said}; {time.time() - self._start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
