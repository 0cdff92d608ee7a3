"""Real ranks: programs beside this file, started by torchrun."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest
import torch.distributed as dist

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parents[3]
collect_ignore = ["programs"]  # which run as ranks alone
HAS_RANKS = dist.is_available() and dist.is_gloo_available()


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str
    seconds: float

    def lines(self, start):
        """Return the lines of its standard error that begin so."""
        return [line for line in self.err.splitlines() if line.startswith(start)]


@pytest.fixture
def torchrun(tmp_path):
    """Run something by so many ranks, in a folder of its own."""
    if not HAS_RANKS:
        pytest.skip("this build of torch has no gloo")

    def command(ranks, *arguments):
        return [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}", *arguments]

    def environment(settings):
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"} | settings

    def run(ranks, *arguments, CORENET_RANK_TIMEOUT="60", **settings):
        start = monotonic()
        done = subprocess.run(
            command(ranks, *map(str, arguments)),
            env=environment(settings | {"CORENET_RANK_TIMEOUT": CORENET_RANK_TIMEOUT}),
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        return Ended(done.returncode, done.stdout, done.stderr, monotonic() - start)

    return run


@pytest.fixture
def program():
    """Return the path of a program."""
    return lambda name: str(PROGRAMS / f"{name}.py")
