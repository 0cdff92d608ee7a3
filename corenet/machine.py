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
