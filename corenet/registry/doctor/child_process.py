"""A Python of its own for what a plugin may crash, end or hang: our interpreter, our path, our orders."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

# The path is replaced before anything but Python's own is imported, so that the child sees what we see.
CHILD = """
import json, sys
orders = json.load(sys.stdin)
sys.path[:] = orders.pop("path")
from {module} import follow
follow(**orders)
"""


def start(module: str, orders: dict[str, Any], stdout: int, stderr: int | None = None) -> subprocess.Popen[str]:
    """Start a child that calls the function ``follow`` of ``module`` with ``orders``."""
    child = subprocess.Popen(  # noqa: S603 - our own interpreter with our own words
        [sys.executable, "-P", "-c", CHILD.format(module=module)],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        encoding="utf-8",
    )
    assert child.stdin is not None
    with child.stdin:
        json.dump({"path": sys.path, **orders}, child.stdin)
    return child


def ending_of(code: int) -> str:
    """Return how a child with this exit code ended, which was not as ordered.

    >>> ending_of(-11), ending_of(3)
    ('crashed Python: Segmentation fault', 'ended Python with exit code 3')
    """
    return f"crashed Python: {signal.strsignal(-code)}" if code < 0 else f"ended Python with exit code {code}"
