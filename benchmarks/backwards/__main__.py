"""``python -m benchmarks.backwards [--tool NAME …] [--function NAME] [--part faults|right] [--json]``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from itertools import chain

import torch

from benchmarks.backwards.survey import SHAPES, Row, of_fault, of_right, subjects
from benchmarks.backwards.tables import tables
from benchmarks.backwards.tools import TOOLS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backwards", description=__doc__)
    parser.add_argument("--tool", action="append", choices=TOOLS, help="ask this one alone; may be given again")
    parser.add_argument("--function", default="", choices=["", *(each.name for each in subjects())])
    parser.add_argument("--part", choices=["faults", "right"], help="one of the two tables alone")
    parser.add_argument("--shapes", type=int, default=len(SHAPES), help="of the right functions, this many shapes each")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print each answer, not the tables")
    chosen = parser.parse_args()
    work = partial(
        rows_of, tools=tuple(chosen.tool or TOOLS), parts=(chosen.part or "faults right").split(), count=chosen.shapes
    )
    names = [each.name for each in subjects(chosen.function)]
    rows = list(chain.from_iterable(_told(names, work, chosen.processes)))
    print(json.dumps([asdict(row) for row in rows], indent=1) if chosen.json else tables(rows))


def rows_of(name: str, tools: tuple[str, ...], parts: list[str], count: int) -> list[Row]:
    """Return all that the tools say of one function and of its faults."""
    (subject,) = subjects(name)
    faulty = [row for fault in subject.faults for row in of_fault(subject, fault, tools)] if "faults" in parts else []
    return [*faulty, *(of_right(subject, tools, SHAPES[:count]) if "right" in parts else ())]


def _told(names: list[str], work: partial[list[Row]], processes: int) -> Iterator[list[Row]]:
    """Yield the rows of each function, and show how far it is."""
    torch.set_num_threads(1)
    if processes == 1:
        found = map(work, names)
        yield from _shown(found, len(names))
        return
    with ProcessPoolExecutor(processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from _shown(pool.map(work, names), len(names))


def _shown(found: Iterator[list[Row]], count: int) -> Iterator[list[Row]]:
    for done, rows in enumerate(found, 1):
        print(f"\r{done} of {count} functions", end="" if done < count else "\n", file=sys.stderr, flush=True)
        yield rows


if __name__ == "__main__":
    main()
