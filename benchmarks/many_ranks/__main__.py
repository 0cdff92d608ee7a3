"""Tell what 8, 64 and 1,000 ranks would take: ``python -m benchmarks.many_ranks``.

What one rank takes for a step, and two hosts for an exchange, is measured first. A cell is milliseconds a step and how
efficient the ranks are.
"""

from __future__ import annotations

import argparse
import os
import sys

import torch

from benchmarks.exchange import read
from benchmarks.many_ranks.alone import numbers_of, steps_of
from benchmarks.many_ranks.model import Link, Steps
from benchmarks.ranks import WORKS
from benchmarks.two_hosts.hosts import WIRES, two_hosts, what_is_missing
from benchmarks.two_hosts.running import run_on_both

RANKS = 8, 64, 1000
EVERY = 1, 16
EXCHANGE = ("-m", "benchmarks.exchange")


def main() -> None:
    """Measure, and print what comes of it."""
    lines = (__doc__ or "").splitlines()
    argparse.ArgumentParser(prog="python -m benchmarks.many_ranks", description=lines[0]).parse_args()
    if missing := what_is_missing():
        sys.exit(f"this machine cannot be two hosts: {missing}")
    torch.set_num_threads(1)
    print(f"load {os.getloadavg()[0]:.1f}")
    links = _links()
    for name, link in links.items():
        turns = f"{1e6 * link.turn:,.0f} µs to all, {1e6 * link.of_ring:,.0f} in a ring"
        print(f"{name}: a turn is {turns}, and {link.rate / 1e6:,.0f} MB go in a second")
    for name, work in WORKS.items():
        steps, numbers = steps_of(work), numbers_of(work)
        print(f"\n{name}: {1e6 * steps.step:,.0f} µs a step, {1e6 * steps.row:,.2f} a row, {numbers:,} numbers")
        print(f"{'link':>18} {'batch':>9} {'every':>5}" + "".join(f"{ranks:>18,}" for ranks in RANKS))
        for link_name, link in links.items():
            for grows in (False, True):
                for every in EVERY:
                    batch = f"{work.batch} × N" if grows else f"{work.batch}"
                    cells = [
                        _cell(steps, link, ranks, work.batch * (ranks if grows else 1), numbers, every)
                        for ranks in RANKS
                    ]
                    print(f"{link_name:>18} {batch:>9} {every:>5}{''.join(cells)}")


def _links() -> dict[str, Link]:
    """Measure exchanges between two hosts on each wire."""
    links = {}
    for wire in WIRES:
        with two_hosts(wire):
            few, _, many, *_, most = [(each.bytes, each.seconds) for each in read(run_on_both(EXCHANGE))]
        links[str(wire)] = Link.between_two(few, many, most)
    return links


def _cell(steps: Steps, link: Link, ranks: int, rows: int, numbers: int, every: int) -> str:
    """Return what a step takes. Every step sends gradients; where fewer do, weights and the momentum are sent."""
    exchange = link.exchange(ranks, 8 * numbers * (1 if every == 1 else 2))
    seconds, share = steps.seconds(ranks, rows, exchange, every), steps.efficiency(ranks, rows, exchange, every)
    return f"{1e3 * seconds:>10,.2f} {100 * share:>5.1f} %"


if __name__ == "__main__":
    main()
