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
PATIENCE = 3
PROCESSES = 64  # with threads; in a namespace of its own a process counts its own alone


@dataclass(frozen=True)
class Limits:
    """The ``seconds`` of processor time and the ``memory`` in MiB that a submission may take.

    By the clock it may take three times as long, so that what else the machine does has no part in a grade, and one
    that sleeps comes to its end too.
    """

    seconds: float
    memory: int

    @property
    def most_by_the_clock(self) -> float:
        """The seconds by the clock; where the system does not tell processor time, these are the limit."""
        return PATIENCE * self.seconds if sys.platform == "linux" else self.seconds

    @property
    def bytes(self) -> int:
        """The memory in bytes."""
        return self.memory * MEBIBYTE


def limit_this_process(limits: Limits, alone: bool) -> None:
    """Hold this process, and any that it starts, to ``limits``; ``alone``: no other counts as its user's."""
    import resource

    limit_memory(limits.bytes)
    seconds = math.ceil(limits.seconds) + 1  # a second line: the parent looks at it, and at the clock
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


def processor_time_of(process: int) -> float:
    """Return the seconds of processor time that a process took, 0 where the system does not say or it has ended."""
    if sys.platform != "linux":
        return 0.0
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()  # its name, in brackets, may have blanks
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return 0.0


def memory_of(process: int) -> int:
    """Return the bytes that a process has in memory now, 0 where the system does not say or it has ended."""
    if sys.platform != "linux":
        return 0
    try:
        with open(f"/proc/{process}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
