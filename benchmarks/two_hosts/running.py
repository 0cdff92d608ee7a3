"""One program as two ranks, one on each host."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.two_hosts.hosts import ADDRESSES, NAMES, on_host

ROOT = Path(__file__).parents[2]
PORT = 29_650
TORCHRUN = (sys.executable, "-m", "torch.distributed.run")


def run_on_both(program: Sequence[str], ranks: int = 1) -> str:
    """Run a program as so many ranks on each host, and return what it prints on the first.

    Raises:
        RuntimeError: it failed on one of them; with what it said there.
    """
    started = [_started(number, program, ranks) for number in range(len(NAMES))]
    said = [process.communicate() for process in started]
    for process, (_, error) in zip(started, said, strict=True):
        if process.returncode:
            raise RuntimeError(error)
    return said[0][0]


def _started(number: int, program: Sequence[str], ranks: int) -> subprocess.Popen[str]:
    first = [f"--master-addr={ADDRESSES[0]}", f"--master-port={PORT}"]
    shape = [f"--nnodes={len(NAMES)}", f"--node-rank={number}", f"--nproc-per-node={ranks}"]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.Popen(
        on_host(number, [*TORCHRUN, *first, *shape, *program]),
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": f"wire{number}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
