"""A function in a process of its own, forked from this one, which is ended with all that it started."""

from __future__ import annotations

import json
import os
import select
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from corenet.grading.isolation import namespaces
from corenet.grading.isolation.guard import Guard, readable_folders
from corenet.grading.isolation.limits import Limits, limit_this_process, memory_of, processor_time_of
from corenet.registry.doctor.child_process import describe_exit, describe_limit

LONGEST = 2**22  # bytes of an answer; more is none
LOOK = 0.05  # seconds between two looks at what it takes
ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Answer:
    """What came of it: a ``value`` as JSON has it, or ``fault``, why there is none; what was refused meanwhile.

    ``parts``: what the work told before it ended. ``walls``: whether the process had no network, no sight of others
    and no place to write but its folder.
    """

    value: Any
    fault: str = ""
    parts: tuple[Any, ...] = ()
    refusals: tuple[str, ...] = ()
    walls: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Task:
    """The function that is to ``work``, the ``files`` that it finds in its folder, and folders ``hidden`` from it.

    The function is given another, by which it may tell a part of its answer early.
    """

    work: Callable[[Callable[[Any], None]], Any]
    limits: Limits
    files: Mapping[str, bytes] = field(default_factory=dict)
    hidden: Sequence[str] = ()


def run_apart(task: Task) -> Answer:
    """Return what a function returned in a process of its own, whose current folder is new and its own.

    It may write there and nowhere else, read there and what Python imports from, start no program or process,
    and reach no network. What it prints is lost. It sees nothing in the folders that are hidden from it.
    This process must have a single thread.
    """
    with TemporaryDirectory(prefix="corenet-apart-", ignore_cleanup_errors=True) as folder:
        begin = time.monotonic()
        reading, writing = os.pipe()
        lines = _Lines(reading)
        library = namespaces.system()
        supervisor = os.fork()
        if supervisor == 0:
            _Forked(task, folder, library, lines.token).supervise(writing)
        os.close(writing)
        try:
            fault = lines.wait(begin + task.limits.most_by_the_clock, task.limits)
        finally:
            os.close(reading)
            _end(supervisor, lines.process)
        return lines.answer(fault, time.monotonic() - begin)


class _Lines:
    """What comes through the pipe: the number of the process, its answer, how it ended; each with the token."""

    def __init__(self, file: int) -> None:
        self._file = file
        self.token = token_hex(16)  # so that only what is handed over at the end counts as an answer
        self._text = b""
        self._most = memory_of(os.getpid())
        self.process = 0
        self._said: dict[str, Any] = {}
        self._parts: list[Any] = []

    def wait(self, until: float, limits: Limits) -> str:
        """Wait for the answer, or the end; return why the process has to be ended before, or nothing."""
        while "ended" not in self._said and "value" not in self._said:
            left = until - time.monotonic()
            if left <= 0 or (self.process and processor_time_of(self.process) > limits.seconds):
                return describe_limit(limits.seconds)
            if self.process and memory_of(self.process) > self._most + limits.bytes:
                return f"took more than {limits.memory} MiB of memory"
            if select.select([self._file], [], [], min(left, LOOK))[0]:
                piece = os.read(self._file, 2**16)
                self._text += piece
                self._read()
                if not piece or len(self._text) > LONGEST:
                    break
        return ""

    def _read(self) -> None:
        *whole, self._text = self._text.split(b"\n")
        for line in whole:
            token, _, rest = line.partition(b" ")
            if token == self.token.encode():
                said = json.loads(rest)
                self._parts += [said.pop("part")] if "part" in said else []
                self._said |= said
        self.process = self._said.get("process", 0)

    def answer(self, fault: str, seconds: float) -> Answer:
        walls = bool(self._said.get("walls"))
        refusals = tuple(self._said.get("refusals", ()))
        value = self._said.get("value")
        if "value" not in self._said:
            fault = fault or self._said.get("raised", "") or describe_exit(self._said.get("ended", 1))
        return Answer(value, fault, tuple(self._parts), refusals, walls, seconds)


def _end(supervisor: int, process: int) -> None:
    """End both processes, with every process in their namespace or group."""
    for kill, target in ((os.kill, process), (os.killpg, supervisor), (os.kill, supervisor)):
        if target:
            with suppress(ProcessLookupError, PermissionError):
                kill(target, signal.SIGKILL)
    os.waitpid(supervisor, 0)


# In the processes that are forked.


class _Forked:
    """A process that was forked for a task, and the one that it forks."""

    def __init__(self, task: Task, folder: str, library: Any, token: str) -> None:
        self._task, self._folder, self._library, self._token = task, folder, library, token
        self._file = -1

    def supervise(self, writing: int) -> NoReturn:
        """Start the process that works, as the first of its namespace, and tell how it ended."""
        try:
            os.setsid()
            self._file = _close_all_but(writing)
            alone = namespaces.leave_the_others(self._library)
            namespaces.die_with_parent(self._library)
            worker = os.fork()
            if worker == 0:
                namespaces.die_with_parent(self._library)
                self._work(alone)
            self._tell(process=worker)
            _, status = os.waitpid(worker, 0)
            self._tell(ended=os.waitstatus_to_exitcode(status))
        finally:
            os._exit(0)

    def _work(self, alone: bool) -> NoReturn:
        refusals: list[str] = []
        code = 1
        try:
            walls = alone and namespaces.hide_all_but(self._library, self._folder, _without_python(self._task.hidden))
            self._tell(walls=walls)
            self._prepare(alone)
            guard = Guard(self._folder, self._task.hidden, self._task.limits.bytes)
            refusals = guard.refusals
            guard.start()
            value = self._task.work(lambda part: self._tell(part=part, refusals=refusals))
            self._tell(value=value, refusals=refusals)
            code = 0
        except BaseException as error:  # noqa: BLE001 - a stranger's code may raise anything, which is told
            raised = f"{type(error).__name__}: {error}".splitlines()[0][:300]
            self._tell(raised=raised, refusals=refusals)
        finally:
            os._exit(code)

    def _prepare(self, alone: bool) -> None:
        """Take what the work needs into the folder, and from this process what it does not need."""
        os.chdir(self._folder)
        for name, content in self._task.files.items():
            with open(name, "wb") as file:
                file.write(content)
        kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        os.environ.clear()
        os.environ.update(kept | dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), self._folder))
        tempfile.tempdir = None  # which it reads from there
        limit_this_process(self._task.limits, alone)
        namespaces.give_up_privileges(self._library)

    def _tell(self, **said: Any) -> None:
        text = f"{self._token} {json.dumps(said)}\n".encode()
        while text:
            text = text[os.write(self._file, text) :]


def _without_python(hidden: Sequence[str]) -> list[str]:
    """Return the folders of ``hidden`` that are there and have nothing in them that Python imports from."""
    needed = [os.path.realpath(each) for each in readable_folders()]
    found = [os.path.realpath(each) for each in hidden if os.path.isdir(each)]
    return [each for each in found if not any(place == each or place.startswith(f"{each}/") for place in needed)]


def _close_all_but(writing: int) -> int:
    """Close every file but one, which gets a number of its own, and give the standard ones nothing."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    file = os.dup2(writing, 3) if writing != 3 else 3
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    return file
