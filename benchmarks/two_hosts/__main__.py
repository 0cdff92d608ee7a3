"""What a step takes by two hosts: ``python -m benchmarks.two_hosts [--wire 1000:10] [--work small] [-- ...]``.

What stands behind ``--`` is given to ``benchmarks.ranks``, which runs as one rank a host.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.two_hosts.hosts import WIRES, Wire, two_hosts, what_is_missing
from benchmarks.two_hosts.running import run_on_both


def main() -> int:
    """Measure on each wire, and print what the first rank found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.two_hosts", description=(__doc__ or "").splitlines()[0])
    text = "megabits a second and milliseconds of delay, each way, such as 1000:10; by default three"
    parser.add_argument("--wire", type=_wire, action="append", help=text)
    parser.add_argument("rest", nargs="*", metavar="ARGUMENT", help="of benchmarks.ranks, behind --")
    asked = parser.parse_args()
    if missing := what_is_missing():
        print(f"this machine cannot be two hosts: {missing}", file=sys.stderr)
        return 1
    for wire in asked.wire or WIRES:
        print(f"{wire}, each way", flush=True)
        with two_hosts(wire):
            print(run_on_both(["-m", "benchmarks.ranks", *asked.rest]), flush=True)
    return 0


def _wire(text: str) -> Wire:
    megabits, _, milliseconds = text.partition(":")
    return Wire(float(megabits), float(milliseconds or 0))


if __name__ == "__main__":
    sys.exit(main())
