"""Files that are written whole or not at all: an older one survives a failed write."""

from __future__ import annotations

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

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    partial = path.parent / f"{path.name}.partial"
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise OutputError(
            f"cannot write {path}: {error.strerror}; choose a folder that exists and is writable"
        ) from error
    return path
