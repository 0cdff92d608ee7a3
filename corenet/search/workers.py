"""The workers of a search: who each is, and whether it is still at work.

No two clocks are compared. A worker on the same machine is looked up by its process; one elsewhere counts its beats in
the storage, and whoever sees no other count for a minute of his own clock takes it for gone.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

WORKER = "worker"  # who is at a trial
BEAT = "beat"  # how often it has said so
BEAT_SECONDS = 10.0
SILENCE = 60.0  # seconds after which a worker that says nothing is gone
NAMELESS = 5.0  # seconds that a worker takes at most to say that a trial is its own


def me() -> str:
    """Return the name of this process among all workers of a search, on all machines."""
    return f"{_place()}:{os.getpid()}:{_started(os.getpid())}"


def is_dead(worker: str) -> bool:
    """Tell whether a worker is one of this machine and its process is not there; one elsewhere may be at work."""
    place, _, process = worker.partition(":")
    number, _, started = process.partition(":")
    if place != _place() or not number.isdecimal():
        return False
    if started:
        return _started(int(number)) != started
    if sys.platform == "win32":
        return False  # asking there would end it
    with suppress(PermissionError):
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return True
    return False


@contextmanager
def heard(trial: optuna.Trial) -> Iterator[None]:
    """Let others hear that this worker is at a trial."""
    is_over = threading.Event()

    def beat() -> None:
        beats = 0
        while not is_over.wait(BEAT_SECONDS):
            beats += 1
            with suppress(Exception):  # a storage that does not answer is told of by the worker, at the trial's end
                trial.set_user_attr(BEAT, beats)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


class Others:
    """What one worker notes of the others."""

    def __init__(self) -> None:
        self._heard: dict[int, tuple[object, float]] = {}

    def gone(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Return the trials whose workers are gone; asked by a worker that is at none."""
        running = [trial for trial in trials if trial.state is TrialState.RUNNING]
        self._heard = {trial.number: self._note(trial) for trial in running}
        return [trial for trial in running if self._is_gone(trial)]

    def _note(self, trial: FrozenTrial) -> tuple[object, float]:
        said = (trial.user_attrs.get(WORKER), trial.user_attrs.get(BEAT), len(trial.intermediate_values))
        before = self._heard.get(trial.number)
        return before if before is not None and before[0] == said else (said, time.monotonic())

    def _is_gone(self, trial: FrozenTrial) -> bool:
        silent = time.monotonic() - self._heard[trial.number][1]
        worker = trial.user_attrs.get(WORKER)
        if worker is None:
            return silent > NAMELESS
        return worker == me() or is_dead(worker) or silent > SILENCE


@lru_cache(maxsize=1)
def _place() -> str:
    """Return where numbers of processes mean the same: a start of a machine, or a container on it."""
    name = socket.gethostname()
    with suppress(OSError):
        start = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        name += f" {start} {Path('/proc/self/ns/pid').stat().st_ino}"
    return name.replace(":", "_")


def _started(process: int) -> str:
    """Return when a process was started, in the machine's count; nothing if it is over, or the system does not say."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *rest = told.rpartition(")")[2].split()  # after its name, which may have blanks
    return "" if state in "ZX" else rest[18]
