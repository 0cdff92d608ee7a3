"""The machine and the versions that a measurement belongs to."""

from __future__ import annotations

import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path


def machine() -> str:
    """Return the processor, the versions of Python and torch, and the date, in one line."""
    python, torch = platform.python_version(), version("torch")
    return f"{platform.machine()}, {processor()}, Python {python}, torch {torch}, {date.today().isoformat()}"


def processor() -> str:
    """Return the name of the processor where the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


def free_memory() -> int | None:
    """Return the bytes of memory that a process can still have without swapping, where the system tells."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return found[0] if found else None
