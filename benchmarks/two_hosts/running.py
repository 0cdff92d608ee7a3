"""One program as two ranks, one on each host."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from benchmarks.two_hosts.hosts import ADDRESSES, NAMES, on_host

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


def run_here(ranks: int, program: Sequence[str]) -> str:
    """Run a program as so many ranks on this machine, and return what it prints.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    process = _open([*TORCHRUN, "--standalone", f"--nproc-per-node={ranks}", *program], {})
    said, error = process.communicate()
    if process.returncode:
        raise RuntimeError(error)
    return said


def _started(number: int, program: Sequence[str], ranks: int) -> subprocess.Popen[str]:
    first = [f"--master-addr={ADDRESSES[0]}", f"--master-port={PORT}"]
    shape = [f"--nnodes={len(NAMES)}", f"--node-rank={number}", f"--nproc-per-node={ranks}"]
    return _open(on_host(number, [*TORCHRUN, *first, *shape, *program]), {"GLOO_SOCKET_IFNAME": f"wire{number}"})


def _open(command: Sequence[str], settings: dict[str, str]) -> subprocess.Popen[str]:
    env = os.environ | {"OMP_NUM_THREADS": "1"} | settings
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
