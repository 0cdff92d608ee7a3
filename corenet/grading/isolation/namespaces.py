"""A view of the machine of its own for this process, where Linux lets it: no network, no other process, all read-only.

The calls are the system's own, since Python has them from 3.12 on and in part only. Where one is not permitted, as in
many containers, there is no such view, and what :mod:`corenet.grading.isolation.guard` refuses is all that protects.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from typing import Any

NEW_USER, NEW_MOUNTS, NEW_PROCESSES, NEW_NETWORK, NEW_MESSAGES = 0x10000000, 0x20000, 0x20000000, 0x40000000, 0x8000000
READ_ONLY, NO_SUID, PRIVATE_BELOW = 0x1, 0x2, 0x4000 | 0x40000
OWN_FOLDER = "size=64m,mode=700"
MOUNT_SETATTR, HERE, ALL_BELOW = 442, -100, 0x8000  # the number of the call is the same on every processor
DIE_WITH_PARENT, NO_NEW_PRIVILEGES = 1, 38
CAPABILITIES = 0x20080522  # the version of the header


class _Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "user")]


def system() -> Any:
    """Return the system's C library, or None where there is no Linux."""
    return ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def leave_the_others(library: Any) -> bool:
    """Give this process, which has one thread, namespaces of its own; return whether the system permitted it.

    Its number of processes begins with the next one that it starts.
    """
    if library is None:
        return False
    user, group = os.getuid(), os.getgid()
    wanted = NEW_USER | NEW_MOUNTS | NEW_PROCESSES | NEW_NETWORK | NEW_MESSAGES
    if library.unshare(ctypes.c_int(wanted)) != 0:
        return False
    try:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    except OSError:
        return False
    return True


def hide_all_but(library: Any, folder: str, hidden: Sequence[str]) -> bool:
    """Put an empty folder in memory at ``folder``, and nothing at each of ``hidden``; make all else read-only.

    Return whether the system permitted it.
    """
    return (
        _mount(library, "/", None, PRIVATE_BELOW)
        and all(_mount(library, each, "tmpfs", READ_ONLY | NO_SUID) for each in hidden)
        and _mount(library, folder, "tmpfs", NO_SUID, OWN_FOLDER)
        and _set_attributes(library, "/", ALL_BELOW, _Attributes(set=READ_ONLY | NO_SUID))
        and _set_attributes(library, folder, 0, _Attributes(clear=READ_ONLY))
    )


def give_up_privileges(library: Any) -> None:
    """Let nothing in this process undo what was done, and end it when its parent ends."""
    if library is None:
        return
    header = (ctypes.c_uint32 * 2)(CAPABILITIES, 0)
    library.capset(header, (ctypes.c_uint32 * 6)())
    library.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def die_with_parent(library: Any) -> None:
    """Have this process killed when its parent ends."""
    if library is not None:
        library.prctl(DIE_WITH_PARENT, 9, 0, 0, 0)


def _mount(library: Any, target: str, kind: str | None, flags: int, options: str | None = None) -> bool:
    place, name, text = (each if each is None else os.fsencode(each) for each in (target, kind, options))
    done: int = library.mount(b"none", place, name, ctypes.c_ulong(flags), text)
    return done == 0


def _set_attributes(library: Any, path: str, below: int, attributes: _Attributes) -> bool:
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    place = ctypes.c_char_p(os.fsencode(path))
    done: int = library.syscall(
        ctypes.c_long(MOUNT_SETATTR), ctypes.c_long(HERE), place, ctypes.c_long(below), ctypes.byref(attributes), size
    )
    return done == 0
