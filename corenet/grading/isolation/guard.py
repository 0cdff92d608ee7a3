"""What a submission may not do, refused by an audit hook: touch files elsewhere, start programs, reach the network."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

# Events of Python's, by their beginnings, that a layer has no use for.
REFUSED = {
    "socket.": "reach the network",
    "urllib.": "reach the network",
    "http.": "reach the network",
    "ftplib.": "reach the network",
    "smtplib.": "reach the network",
    "webbrowser.": "open a browser",
    "subprocess.": "start a program",
    "os.system": "start a program",
    "os.exec": "start a program",
    "os.posix_spawn": "start a program",
    "os.spawn": "start a program",
    "os.startfile": "start a program",
    "pty.": "start a program",
    "os.fork": "start a process",
    "os.kill": "end a process",
    "signal.pthread_kill": "end a process",
    "_posixsubprocess.": "start a program",
    "ctypes.": "call the machine directly",
    "resource.": "change its limits",
    "sqlite3.": "open a database",
    "gc.get_": "search the memory of its judge",
}
# Events that change what is on the disk, by how many of their first arguments are paths.
CHANGES = {
    "os.remove": 1, "os.rmdir": 1, "os.mkdir": 1, "os.rename": 2, "os.link": 2, "os.symlink": 2, "os.truncate": 1,
    "os.chmod": 1, "os.chown": 1, "os.utime": 1, "os.chflags": 1, "os.setxattr": 1, "os.removexattr": 1,
}  # fmt: skip
LISTINGS = ("os.listdir", "os.scandir", "os.chdir")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")
MOST = 5  # refusals that are told


class Guard:
    """Refuses what code in this process tries outside ``folder``, and keeps what it refused in ``refusals``.

    It may write in ``folder`` alone, and read there and in what Python imports from; not in a folder of ``hidden``,
    unless what Python imports from lies deeper in it.
    """

    def __init__(self, folder: str, hidden: Iterable[str], largest_map: int) -> None:
        self.refusals: list[str] = []
        self._folder = os.path.realpath(folder)
        self._places = {os.path.realpath(each): True for each in readable_folders()}
        self._places |= {os.path.realpath(each): False for each in hidden}
        self._places[self._folder] = True
        self._largest_map = largest_map

    def start(self) -> None:
        """Watch from now on; nothing ends it but the end of the process."""
        sys.addaudithook(self._watch)

    def _watch(self, event: str, arguments: Sequence[Any]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags and flags & WRITING) or bool(mode and set(mode) & set("wax+"))
            self._path(path, writes)
            self._folder_of_others(path)
        elif event in CHANGES:
            for path in arguments[: CHANGES[event]]:
                self._path(path, True)
        elif event in LISTINGS:
            self._path(arguments[0] if arguments and arguments[0] is not None else ".", False)
        elif event == "mmap.__new__" and arguments[1] > self._largest_map:
            self._refuse("take so much memory", event)
        else:
            for beginning, what in REFUSED.items():
                if event.startswith(beginning):
                    self._refuse(what, event)

    def _path(self, path: Any, writes: bool) -> None:
        if isinstance(path, int):  # a file that is open already, which was asked for when it was opened
            return
        place = os.path.realpath(os.fsdecode(path))
        if writes and not _is_in(place, self._folder) and place != os.devnull:
            self._refuse(f"write or change {place}", "open")
        if not writes and place not in DEVICES and not self._is_readable(place):
            self._refuse(f"read {place}", "open")

    def _folder_of_others(self, path: Any) -> None:
        """Refuse to open a folder as a file is opened: what is then asked of it by its number is not told in full."""
        place = self._folder if isinstance(path, int) else os.path.realpath(os.fsdecode(path))
        if not _is_in(place, self._folder) and os.path.isdir(place):
            self._refuse(f"open the folder {place}", "open")

    def _is_readable(self, place: str) -> bool:
        """Return what the deepest folder that is known says of a path in it."""
        around = [each for each in self._places if _is_in(place, each)]
        return bool(around) and self._places[max(around, key=len)]

    def _refuse(self, what: str, event: str) -> None:
        if len(self.refusals) < MOST and what not in self.refusals:
            self.refusals.append(what)
        raise PermissionError(f"a submission may not {what} ({event})")


def _is_in(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder.rstrip("/") + "/")


def readable_folders() -> list[str]:
    """Return the folders from which Python imports, with what its libraries read."""
    system = ["/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/lib", "/lib64", "/etc/localtime"]
    python = [sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)]
    return [*python, *(each for each in sys.path if each and os.path.isabs(each)), *system]
