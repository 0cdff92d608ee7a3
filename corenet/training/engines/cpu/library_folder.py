"""The folder of compiled steps: private, looked through, and kept small."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from time import time

from corenet.training.engines.unsupported import CannotCompile

_STALE = 3600  # seconds
_MOST = 500  # libraries to keep, of some 20 KB each


def private_folder() -> Path:
    """Return the folder of compiled steps, which nobody else may write to: what lies there is run.

    Raises:
        CannotCompile: it belongs to somebody else.
    """
    folder = cache_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid():
        raise CannotCompile(f"{folder} belongs to another user", "set XDG_CACHE_HOME to a folder of your own")
    if status.st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def cache_folder() -> Path:
    """Return where compiled steps are kept; it may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "corenet" / "compiled"


def kept(folder: Path, key: str) -> Path | None:
    """Return the library of an earlier time, unless it is broken or others could have written it."""
    for path in folder.glob(f"{key}-*.so"):
        with suppress(FileNotFoundError):  # another process, which has too many, forgot it just now
            if _is_ours(path) and _is_whole(path, key):
                return path
    return None


def _is_ours(path: Path) -> bool:
    status = path.lstat()
    return S_ISREG(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022


def _is_whole(path: Path, key: str) -> bool:
    """Tell whether a file is what was written: to load a part of a library would end the process."""
    return path.stem == f"{key}-{digest(path.read_bytes())}"


def forget_oldest(folder: Path) -> None:
    """Keep as many libraries as a few hundred trainings need."""
    found = sorted(folder.glob("*.so"), key=_written_at)
    for path in found[: -_MOST + 1]:
        path.unlink(missing_ok=True)
    for path in folder.glob("tmp*"):  # of a compiler that was stopped
        if path.is_dir() and time() - _written_at(path) > _STALE:
            shutil.rmtree(path, ignore_errors=True)


def _written_at(path: Path) -> float:
    """Return when it was written; what another process forgot meanwhile is older than all."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
