"""``python -m benchmarks.mutants [--most 12] [--component NAME] [--processes 1]``."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import torch

from benchmarks.mutants.mutant import mutants_of
from benchmarks.mutants.subjects import subjects
from benchmarks.mutants.verdict import Verdict, verdict_on
from corenet.contracts.optimizer import Optimizer
from corenet.machine import machine
from corenet.testing import check_component


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutants", description=__doc__)
    parser.add_argument("--most", type=int, default=12, help="mutants of a component")
    parser.add_argument("--component", default="", help="of this class alone")
    parser.add_argument("--processes", type=int, default=1)
    chosen = parser.parse_args()
    begin = time.time()
    names = [each for each in subjects() if chosen.component in ("", each.__name__)]
    refused = [f"{cls.__name__} is refused: {report}" for cls in names if not (report := check_component(cls)).ok]
    print(f"{len(refused)} of {len(names)} right components refused", flush=True)
    print(*refused, sep="\n")
    mutants = [mutant for cls in names for mutant in mutants_of(cls, chosen.most)]
    with ProcessPoolExecutor(
        chosen.processes, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        verdicts = list(pool.map(verdict_on, mutants, range(len(mutants)), chunksize=4))
    rules = [each for each, mutant in zip(verdicts, mutants, strict=True) if issubclass(mutant.subject, Optimizer)]
    _tell("gradients", [each for each in verdicts if each not in rules])
    _tell("rules of a step", rules)
    print(f"{time.time() - begin:.0f} s; {machine()}")


def _tell(what: str, verdicts: list[Verdict]) -> None:
    counts = Counter(each.state for each in verdicts)
    caught = [each for each in verdicts if each.state == "caught"]
    total = counts["caught"] + counts["survived"]
    print(f"\n{what}: {total} mutants ({counts['same']} more compute the same)")
    if not total:
        return
    named = sum(each.named for each in caught)
    print(
        f"caught {len(caught)} ({len(caught) / total:.1%}), named {named} of those ({named / max(len(caught), 1):.1%})"
    )
    print(f"    by their line {sum(each.line for each in caught)}, by the pattern {sum(each.words for each in caught)}")
    for each in verdicts:
        if each.state == "survived":
            print(f"survived: {each.mutant}")
    for each in caught:
        if not each.named:
            print(f"not named: {each.mutant}\n    " + each.report.replace("\n", "\n    "))


if __name__ == "__main__":
    main()
