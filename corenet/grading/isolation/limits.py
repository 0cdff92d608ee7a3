"""What a process may take: seconds, memory, files, processes."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass

from corenet.registry.doctor.worker import limit_memory

MEBIBYTE = 2**20
LARGEST_FILE = 64 * MEBIBYTE
OPEN_FILES = 256
PROCESSES = 64  # with threads; in a namespace of its own a process counts its own alone


@dataclass(frozen=True)
class Limits:
    """The ``seconds`` by the clock and the ``memory`` in MiB that a submission may take."""

    seconds: float
    memory: int

    @property
    def bytes(self) -> int:
        """The memory in bytes."""
        return self.memory * MEBIBYTE


def limit_this_process(limits: Limits, alone: bool) -> None:
    """Hold this process, and any that it starts, to ``limits``; ``alone``: no other counts as its user's."""
    import resource

    limit_memory(limits.bytes)
    seconds = math.ceil(limits.seconds) + 1  # of processor time; the clock is the parent's
    wanted = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: LARGEST_FILE,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: OPEN_FILES,
    }
    if alone:
        wanted[resource.RLIMIT_NPROC] = PROCESSES
    for what, most in wanted.items():
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def memory_of(process: int) -> int:
    """Return the bytes that a process has in memory now, 0 where the system does not say or it has ended."""
    if sys.platform != "linux":
        return 0
    try:
        with open(f"/proc/{process}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
