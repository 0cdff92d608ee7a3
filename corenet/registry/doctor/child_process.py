"""A Python process of its own, for code that may crash, end or hang it: the same interpreter and path."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

# The path is replaced before anything but Python's own is imported, so that the child finds what its parent finds.
PROGRAM = """
import json, sys
arguments = json.loads(sys.stdin.readline())
sys.path[:] = arguments.pop("path")
from {module} import run_in_child
run_in_child(**arguments)
"""


def start_child(
    module: str, arguments: dict[str, Any], stdout: int, stderr: int | None = None
) -> subprocess.Popen[str]:
    """Start a child process that calls the function ``run_in_child`` of ``module`` with ``arguments``.

    Its standard input stays open for more.
    """
    child = subprocess.Popen(  # noqa: S603 - our own interpreter, our own program
        [sys.executable, "-P", "-c", PROGRAM.format(module=module)],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        encoding="utf-8",
    )
    assert child.stdin is not None
    print(json.dumps({"path": sys.path, **arguments}), file=child.stdin, flush=True)
    return child


def describe_exit(code: int) -> str:
    """Return how a child with this exit code ended before its work was done.

    >>> describe_exit(-11), describe_exit(3)
    ('crashed Python: Segmentation fault', 'ended Python with exit code 3')
    """
    return f"crashed Python: {signal.strsignal(-code)}" if code < 0 else f"ended Python with exit code {code}"


def describe_limit(seconds: float) -> str:
    """Return how a child ended that was stopped after so many seconds.

    >>> describe_limit(60.0)
    'took longer than 60 s'
    """
    return f"took longer than {seconds:g} s"
