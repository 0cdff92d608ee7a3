"""``python -m benchmarks [WORKLOAD]... [--seconds S] [--device cuda] [--out DIR]``: race, and write what came out."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

WORKLOADS = ("small", "tiny", "rounds", "short", "wide", "memory", "growth", "grid", "gpu", "estimators")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="corenet side by side with its peers.")
    parser.add_argument("workloads", nargs="*", default=[], metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--seconds", type=float, default=10, help="turns of each race last about this long")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--out", type=Path, default=Path("corenet-benchmarks"), help="folder for JSON, tables and plots"
    )
    chosen = parser.parse_args()
    if unknown := set(chosen.workloads) - set(WORKLOADS):
        parser.error(f"there is no workload {min(unknown)!r}; choose from {', '.join(WORKLOADS)}")
    from benchmarks.reference import ParityError

    for name in chosen.workloads or WORKLOADS:
        try:
            report = import_module(f"benchmarks.workloads.{name}").run(chosen.seconds, chosen.device)
        except ParityError as error:
            sys.exit(str(error))
        print(report.markdown(), flush=True)
        for path in report.write(chosen.out):
            print(f"wrote {path}", file=sys.stderr)


if __name__ == "__main__":
    main()
