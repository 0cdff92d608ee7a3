"""Files that are written whole or not at all: an older one survives a failed write."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from corenet.errors import OutputError


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` to ``path`` whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    write_bytes(path, text.encode())


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` whole or not at all, and return the path.

    A symbolic link is followed, and an older file's permissions are kept.

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))  # to replace the link itself would leave its target old
    partial = target.with_name(f"{target.name}.partial")
    try:
        _copy_mode(target, partial)
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise OutputError(
            f"cannot write {path}: {error.strerror}; choose a folder that exists and is writable"
        ) from error
    return path


def _copy_mode(target: Path, partial: Path) -> None:
    """Make ``partial``, still empty, readable for those only for whom ``target``, if there is one, is readable."""
    if target.is_file():
        partial.touch()
        shutil.copymode(target, partial)
