"""Files that are written whole or not at all: an older one survives a failed write, and a machine that stops."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from corenet.errors import OutputError
from corenet.paths import path_of

if sys.platform != "win32":
    import fcntl


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` to ``path`` whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    write_bytes(path, text.encode())


def write_bytes(path: str | Path, content: bytes | bytearray) -> Path:
    """Write ``content`` to ``path`` whole or not at all, and return the path.

    It is on the disk when this returns. A symbolic link is followed, and an older file's permissions are kept. Several
    that write one file do not mix: the last one stays. What a writer that was killed has left is removed.

    Raises:
        OutputError: the file cannot be written.
    """
    path = path_of("a file to be written", path)
    target = Path(os.path.realpath(path))  # to replace the link itself would leave its target old
    try:
        if target.exists() and not (target.is_file() or target.is_dir()):
            target.write_bytes(content)  # a device such as /dev/stdout, which nothing may replace
            return path
        with _partial(target) as partial:
            _write(partial, target, content)
            os.replace(partial, target)
        _sync_folder(target.parent)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}; choose a folder that exists and is writable"
        ) from error
    _clean(target)
    return path


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """Give a new file beside ``target``, which is gone after, however that ends."""
    partial = target.with_name(f".{target.name[:150]}.{os.getpid()}.{token_hex(8)}.partial")
    try:
        yield partial
    finally:
        with suppress(OSError):
            partial.unlink()


def _write(partial: Path, target: Path, content: bytes | bytearray) -> None:
    """Write to the disk, readable for those only for whom ``target``, if there is one, is readable."""
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
        _lock(file.fileno())
        if target.is_file():
            shutil.copymode(target, partial)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Let the new name of a file be on the disk too, where folders can be asked for that."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network folders cannot
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clean(target: Path) -> None:
    """Remove what writers of ``target`` have left that are no more."""
    form = re.compile(rf"\.{re.escape(target.name[:150])}\.(\d+)\.[0-9a-f]{{16}}\.partial")
    with suppress(OSError):
        for each in target.parent.iterdir():
            found = form.fullmatch(each.name)
            if found and not _runs(int(found[1])) and _is_free(each):
                each.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Tell whether there is such a process on this machine."""
    if sys.platform == "win32":  # where a file that is open cannot be removed anyway
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _lock(descriptor: int) -> None:
    """Show that a file is being written, also to other machines that share its folder."""
    if sys.platform != "win32":
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_free(path: Path) -> bool:
    """Tell whether nobody is writing a file."""
    if sys.platform == "win32":
        return True
    with path.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True
