"""Kill trainings at random moments: ``python -m benchmarks.kills [COUNT] [--seed N]``."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.kills.killing import Killing


def main() -> int:
    """Kill as many times as is asked for, and tell what was found; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = Killing(Path(folder), asked.seed)
        found.kill(asked.count)
    print(found.told())
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
