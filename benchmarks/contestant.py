"""A contestant's process: ``python -m benchmarks.contestant NAME`` answers one JSON line for each it reads.

    prepare PATH {changes}   build the network with the given weights
    check EPOCHS             train in the given order of batches
    run EPOCHS               train as a user of the library would
    weights PATH             write the weights
    memory                   peak and present resident memory, in bytes

Answers to check and run have the seconds of wall-clock and of processor time, all threads together.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter, process_time
from types import ModuleType
from typing import Any, TextIO


class Server:
    """The answers to the lines above, for one contestant."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def prepare(self, path: str, changes: dict[str, Any]) -> dict[str, Any]:
        from benchmarks.problem import Problem

        self._contestant = self._module.Contestant(Problem.read(Path(path), **changes))
        return {}

    def check(self, epochs: int) -> dict[str, Any]:
        return self._timed(getattr(self._contestant, "check", self._contestant.train), epochs)

    def run(self, epochs: int) -> dict[str, Any]:
        return self._timed(self._contestant.train, epochs)

    def weights(self, path: str) -> dict[str, Any]:
        import numpy as np

        np.savez(path, *self._contestant.weights())
        return {}

    def memory(self) -> dict[str, Any]:
        return {"peak": _status("VmHWM"), "present": _status("VmRSS")}

    def _timed(self, train: Any, epochs: int) -> dict[str, Any]:
        wall, cpu = perf_counter(), process_time()
        extra = train(epochs) or {}
        return {"wall": perf_counter() - wall, "cpu": process_time() - cpu} | extra


def _status(name: str) -> int:
    """Return a size from the kernel's account of this process; not getrusage, whose peak is inherited."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":"))


def serve(name: str, lines: TextIO, answers: TextIO) -> None:
    """Import the contestant, say how long that took, or what is missing, and answer until the lines end."""

    def answer(reply: dict[str, Any]) -> None:
        print(json.dumps(reply), file=answers, flush=True)

    start = perf_counter()
    try:
        module = import_module(f"benchmarks.contestants.{name}")
    except ImportError as error:
        answer({"missing": str(error)})
        return
    answer({"import": perf_counter() - start})
    server = Server(module)
    for line in lines:
        method, *arguments = json.loads(line)
        answer(getattr(server, method)(*arguments))


if __name__ == "__main__":
    own = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    serve(sys.argv[1], sys.stdin, own)
