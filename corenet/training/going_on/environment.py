"""What the last digits of a training depend on besides its state: versions, threads, the processor."""

from __future__ import annotations

from typing import Any

import torch

from corenet import __version__
from corenet.machine import processor
from corenet.training.engines.cpu.cc import compiler_version


def environment() -> dict[str, Any]:
    """Return all of it, by name."""
    return {
        "corenet": __version__,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "processor": f"{processor()}, {torch.backends.cpu.get_cpu_capability()}",
        "compiler": compiler_version(),
    }


def differences(then: Any, now: dict[str, Any]) -> str:
    """Return in words what was otherwise, or nothing.

    >>> differences({"threads": 4, "torch": "2.9"}, {"threads": 2, "torch": "2.9"})
    'threads 4 then and 2 now'
    """
    then = then if isinstance(then, dict) else {}
    other = [name for name, value in now.items() if then.get(name) != value]
    return ", ".join(f"{name} {then.get(name)} then and {now[name]} now" for name in other)
