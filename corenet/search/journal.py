"""A search's journal: a file to which every worker adds lines, and which is whole whoever is killed at it.

Optuna's lock is a symbolic link that stays when its holder is killed: others wait for half a minute then, or, where the
path is a relative one, for ever. Here the link says who holds it, and a lock of the system, which is freed when its
holder dies, keeps apart the workers of one machine: the next of them sees that the link is a dead one's.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from corenet.errors import OutputError
from corenet.search.workers import is_dead, me

if sys.platform != "win32":
    import fcntl

START = b'{"op_code":'  # of every line
HELD = 30.0  # seconds after which the lock of a worker elsewhere is taken from it


class Journal(JournalFileBackend):
    """Optuna's journal file, refused where it is none."""

    def __init__(self, path: str) -> None:
        """Open the file, or make it.

        Raises:
            OutputError: it is no journal, or cannot be opened.
        """
        self._path = path
        with _reached(path):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            super().__init__(path, Lock(path))
            with open(path, "rb") as file:
                start = file.read(len(START))
        if not START.startswith(start):
            raise OutputError(f"cannot open the storage {path}: it is no journal of a search, but another file")

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Return the lines from a number on, but for one that is being written."""
        with _reached(self._path):
            yield from super().read_logs(log_number_from)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Add lines."""
        with _reached(self._path):
            super().append_logs(logs)


@contextmanager
def _reached(path: str) -> Iterator[None]:
    """Let what the system, or the file's content, has against it be one error that names it."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot use the storage {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise OutputError(f"cannot use the storage {path}: a line of it is damaged") from error


class Lock(JournalFileSymlinkLock):
    """A journal's lock, freed when its holder is killed."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._journal, self._link = path, f"{path}.lock"
        self._file = -1

    def acquire(self) -> bool:
        """Wait for the lock; then cut off a last line that a worker was killed at, or had no space for."""
        self._file = os.open(self._journal, os.O_RDWR)
        try:
            if sys.platform != "win32":
                with suppress(OSError):  # a file system that has no such locks; the link is one still
                    fcntl.flock(self._file, fcntl.LOCK_EX)
            self._take_link()
            self._cut()
        except BaseException:
            self.release()
            raise
        return True

    def release(self) -> None:
        """Free the lock, unless it was taken from this worker."""
        try:
            if self._worker(self._holder()) == me():
                os.unlink(self._link)
        finally:
            os.close(self._file)

    def _take_link(self) -> None:
        held, since, pause = "", time.monotonic(), 0.001
        while True:
            with suppress(FileExistsError):
                os.symlink(f"{me()}#{time.monotonic_ns()}", self._link)
                return
            holder = self._holder()
            if holder != held:
                held, since = holder, time.monotonic()
            worker = self._worker(holder)
            if is_dead(worker) or worker == me() or time.monotonic() - since > HELD:
                with suppress(FileNotFoundError):
                    os.unlink(self._link)
                continue
            time.sleep(pause)
            pause = min(2 * pause, 0.1)

    def _holder(self) -> str:
        try:
            return os.readlink(self._link)
        except FileNotFoundError:
            return ""

    @staticmethod
    def _worker(holder: str) -> str:
        return holder.partition("#")[0]

    def _cut(self) -> None:
        size = os.fstat(self._file).st_size
        content = Path(self._journal).read_bytes() if size and not self._ends(size) else b""
        if content:
            os.ftruncate(self._file, content.rfind(b"\n") + 1)

    def _ends(self, size: int) -> bool:
        os.lseek(self._file, size - 1, os.SEEK_SET)
        return os.read(self._file, 1) == b"\n"
