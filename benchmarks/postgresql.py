"""A PostgreSQL server of one's own, made by the system's package, for as long as it is needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = "postgres"


class NoServerError(RuntimeError):
    """No server can be started here; the message says why."""


class Server:
    """A running server; ``url(name)`` is that of an empty database."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder, self._programs = folder, programs

    def url(self, name: str) -> str:
        """Make a database, and return where it is."""
        self.call("createdb", "-h", str(self._folder), "-U", USER, name)
        return f"postgresql://{USER}@/{name}?host={self._folder}"

    def say(self, sql: str) -> str:
        """Have the server do something, and return what it answers."""
        return self.call("psql", "-h", str(self._folder), "-U", USER, "-Atc", sql)

    def start(self) -> None:
        """Start it, without care for the data when the machine fails."""
        options = f"-k {self._folder} -c listen_addresses='' -c fsync=off"
        log = str(self._folder / "log")
        self.call("pg_ctl", "-D", str(self._folder / "data"), "-w", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """End it at once, as if it were killed."""
        self.call("pg_ctl", "-D", str(self._folder / "data"), "-w", "-m", "immediate", "stop")

    def call(self, program: str, *arguments: str) -> str:
        """Run one of its programs."""
        done = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self._folder,
            user=USER if _is_root() else None,  # the server refuses to be root's
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,  # a server would keep it open
            stderr=subprocess.STDOUT if program != "pg_ctl" else subprocess.DEVNULL,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise NoServerError(f"{program} failed: {done.stdout}")
        return done.stdout or ""


@contextmanager
def server() -> Iterator[Server]:
    """Start a server in a temporary folder, and leave nothing of it.

    Raises:
        NoServerError: PostgreSQL is not installed, or does not start.
    """
    found = shutil.which("initdb") or max(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)
    if found is None:
        raise NoServerError("PostgreSQL is not installed: apt install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # short: a socket's path has at most 107 characters
    try:
        if _is_root():
            try:
                shutil.chown(folder, USER, USER)
            except LookupError:
                raise NoServerError(f"PostgreSQL refuses to run as root, and there is no user {USER}") from None
        running = Server(folder, Path(os.path.realpath(found)).parent)
        running.call("initdb", "-D", str(folder / "data"), "-U", USER, "-A", "trust", "-N", "-E", "UTF8")
        running.start()
        try:
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_root() -> bool:
    return os.geteuid() == 0
