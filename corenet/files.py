"""Files that are written whole or not at all: an older one survives a failed write, and a machine that stops."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import IO

from corenet.errors import OutputError
from corenet.paths import path_of

if sys.platform != "win32":
    import fcntl

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # of a disk, a quota, a limit of sizes


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` to ``path`` whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    write_bytes(path, text.encode())


def write_bytes(path: str | Path, content: bytes | bytearray) -> Path:
    """Write ``content`` to ``path`` whole or not at all, as :func:`written` does, and return the path.

    Raises:
        OutputError: the file cannot be written.
    """
    with written(path) as file:
        file.write(content)
    return Path(path)


@contextmanager
def written(path: str | Path) -> Iterator[IO[bytes]]:
    """Give a file to write, which is ``path`` when this ends well, and is gone when it does not.

    It is on the disk when this returns. A symbolic link is followed, and an older file's permissions are kept. Several
    that write one file do not mix: the last one stays. What a writer that was killed has left is removed.

    Raises:
        OutputError: the file cannot be written.
    """
    target = Path(
        os.path.realpath(path_of("a file to be written", path))
    )  # to replace the link itself would leave its target old
    try:
        _refuse_circle(target)
        if target.exists() and not (target.is_file() or target.is_dir()):
            with target.open("wb") as device:  # such as /dev/stdout, which nothing may replace
                yield device
            return
        with _partial(target) as partial:
            with _opened(partial, target) as file:
                yield file
            os.replace(partial, target)
        _sync_folder(target.parent)
    except OutputError:
        raise
    except OSError as error:
        fix = "free some space, or choose" if error.errno in FULL else "choose"
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; {fix} a folder that exists and is writable"
        ) from error
    _clean(target)


def _refuse_circle(target: Path) -> None:
    """Raise if a path is still a link after all were followed: they lead in a circle."""
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """Give a new file beside ``target``, which is gone after, however that ends."""
    partial = target.with_name(f".{target.name[:150]}.{os.getpid()}.{token_hex(8)}.partial")
    try:
        yield partial
    finally:
        with suppress(OSError):
            partial.unlink()


@contextmanager
def _opened(partial: Path, target: Path) -> Iterator[IO[bytes]]:
    """Open a new file, readable for those only for whom ``target``, if there is one, is readable; sync it at last."""
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
        _lock(file.fileno())
        if target.is_file():
            shutil.copymode(target, partial)
        yield file
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


def clean(folder: Path, names: str) -> None:
    """Remove what writers have left that are no more, of files whose names match ``names``, where nobody else writes.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, f".a.txt.1.{16 * '0'}.partial").write_text("half")
    ...     clean(Path(folder), r"[a-z]\\.txt")
    ...     list(Path(folder).iterdir())
    []
    """
    for each, _ in _partials(folder, names):
        with suppress(OSError):
            if _is_free(each):
                each.unlink(missing_ok=True)


def _clean(target: Path) -> None:
    """Remove what writers of ``target`` have left that are no more."""
    for each, process in _partials(target.parent, re.escape(target.name[:150])):
        with suppress(OSError):
            if not _runs(process) and _is_free(each):
                each.unlink(missing_ok=True)


def _partials(folder: Path, names: str) -> list[tuple[Path, int]]:
    """Return the files beside those whose names match, each with the process that began it."""
    form = re.compile(rf"\.(?:{names})\.(?P<process>\d+)\.[0-9a-f]{{16}}\.partial")
    with suppress(OSError):
        found = [(each, form.fullmatch(each.name)) for each in folder.iterdir()]
        return [(each, int(match["process"])) for each, match in found if match]
    return []


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
