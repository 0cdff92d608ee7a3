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
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
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


def started(folder, ranks, arguments, settings):
    """Run something by so many ranks in a folder."""
    if not HAS_RANKS:
        pytest.skip("this build of torch has no gloo")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    settings = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1", "CORENET_RANK_TIMEOUT": "60"} | settings
    start = monotonic()
    done = subprocess.run(
        [*TORCHRUN, f"--nproc-per-node={ranks}", *map(str, arguments)],
        env=os.environ | settings,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    return Ended(done.returncode, done.stdout, done.stderr, monotonic() - start)


@pytest.fixture
def torchrun(tmp_path):
    """Run something by so many ranks, in a folder of its own."""
    return lambda ranks, *arguments, **settings: started(tmp_path, ranks, arguments, settings)


@pytest.fixture(scope="module")
def torchrun_once(tmp_path_factory):
    """Run a program by so many ranks for several tests; return how it ended, and its folder."""

    def run(ranks, name, *arguments):
        folder = tmp_path_factory.mktemp(name)
        return started(folder, ranks, [PROGRAMS / f"{name}.py", *arguments], {}), folder

    return run


@pytest.fixture
def program():
    """Return the path of a program."""
    return lambda name: str(PROGRAMS / f"{name}.py")
