"""A child process that answers one request after another, and is replaced when one of them ends or hangs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Self

from corenet.registry.doctor.child_process import describe_exit, describe_limit, start_child

GIGABYTE = 2**30
MEMORY = 4 * GIGABYTE  # beyond what the child itself takes
USED = GIGABYTE  # after a request that took as much, another process answers the next: some of it may never be freed
START = 300.0  # seconds that the imports of the child may take, before any code of a stranger's
PATIENCE = 1.0  # seconds for the last lines of a child that has ended


class EndedError(Exception):
    """The process ended, or had to be ended, before it answered; the message says how."""


class Worker:
    """A process in which ``run_in_child`` of ``module`` calls :func:`serve`; it is started when it is first asked."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._child: subprocess.Popen[str] | None = None
        self._lines: SimpleQueue[str | None] = SimpleQueue()

    def ask(self, request: Any, limit: float) -> Any:
        """Return the answer to a request; both are plain values, as JSON has them.

        Raises:
            EndedError: there is none within ``limit`` seconds, or the process has ended. The next request
                is for another process.
        """
        child = self._child or self._started()
        with suppress(OSError):  # it has ended, as the missing answer says
            print(json.dumps(request), file=child.stdin, flush=True)
        answer, reusable = self._next(limit)
        if not reusable:
            self.stop()
        return answer

    def stop(self) -> None:
        """End the process, whatever it does."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        assert child.stdin is not None
        with suppress(OSError):  # a request that it did not read
            child.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _started(self) -> subprocess.Popen[str]:
        self._child = child = start_child(self._module, {}, subprocess.PIPE)
        self._lines = SimpleQueue()
        reader = Thread(target=_read, args=(child, self._lines), daemon=True)
        reader.start()
        Thread(target=_wait, args=(child, reader, self._lines), daemon=True).start()
        self._next(START)
        return child

    def _next(self, limit: float) -> Any:
        """Return what the next line of the process says."""
        assert self._child is not None
        try:
            line = self._lines.get(timeout=limit)
            ending = describe_exit(self._child.wait()) if line is None else ""
        except Empty:
            line, ending = None, describe_limit(limit)
        if line is None:
            self.stop()
            raise EndedError(ending)
        return json.loads(line)


def _read(child: subprocess.Popen[str], lines: SimpleQueue[str | None]) -> None:
    assert child.stdout is not None
    with child.stdout:
        for line in child.stdout:
            lines.put(line)


def _wait(child: subprocess.Popen[str], reader: Thread, lines: SimpleQueue[str | None]) -> None:
    """Put None behind the last line; a process that it has left running may keep its pipe open for ever."""
    child.wait()
    reader.join(PATIENCE)
    lines.put(None)


# In the child.


def serve(answer: Callable[[Any], Any], memory: int | None = MEMORY) -> None:
    """Answer each request with a line of JSON, until there are no more; what else is printed goes to stderr.

    This process may take ``memory`` bytes more, or with None what it likes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and that ends this process
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    if memory is not None:
        limit_memory(memory)
    before = most_memory()
    print("null", file=answers, flush=True)
    for request in requests:
        found = answer(json.loads(request))
        sys.stdout.flush()
        print(json.dumps([found, most_memory() - before < USED]), file=answers, flush=True)
    os._exit(0)  # whatever a plugin has left running


def limit_memory(more: int) -> None:
    """Let this process allocate so many bytes more; of the systems, Linux alone can hold it to that."""
    if sys.platform != "linux":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _memory("VmData") + more
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def most_memory() -> int:
    """Return the most bytes that this process has had in memory at once, 0 where the system does not say."""
    return _memory("VmHWM") if sys.platform == "linux" else 0


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
