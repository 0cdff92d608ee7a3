"""A folder of checkpoints: the newest few of one training, and nothing that a killed writer has left."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from corenet.errors import OutputError
from corenet.files import clean

if sys.platform != "win32":
    import fcntl

FORM = re.compile(r"checkpoint-(\d+)-(\d+)\.safetensors")


class Folder:
    """Where a training is saved; the newest ``keep`` checkpoints stay.

    Raises:
        OutputError: it is no folder, and none can be made there.
    """

    def __init__(self, path: Path, keep: int) -> None:
        self.path, self._keep = path, keep
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {self.path}: {error.strerror}") from error

    def checkpoints(self) -> list[Path]:
        """Return the checkpoints that are there, the newest first.

        Raises:
            OutputError: the folder cannot be read.
        """
        try:
            found = {path: FORM.fullmatch(path.name) for path in self.path.iterdir()}
        except OSError as error:
            raise OutputError(f"cannot read {self.path}: {error.strerror}") from error
        places = {path: (int(match[1]), int(match[2])) for path, match in found.items() if match}
        return sorted(places, key=places.__getitem__, reverse=True)

    def place(self, epoch: int, step: int) -> Path:
        """Return the path of the checkpoint after so many whole epochs and so many steps of the next."""
        return self.path / f"checkpoint-{epoch:06d}-{step:08d}.safetensors"

    def prune(self) -> None:
        """Remove all but the newest; one that cannot be removed stays."""
        for path in self.checkpoints()[self._keep :]:
            with suppress(OSError):
                path.unlink()

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Be the only training that writes here, and remove what writers that were killed have left.

        Raises:
            OutputError: another one is.
        """
        if sys.platform == "win32":
            yield
            return
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutputError(f"another training writes to {self.path}; choose another folder, or wait") from None
            except OSError:
                pass  # some network folders have no locks
            clean(self.path, FORM.pattern)
            yield
        finally:
            os.close(descriptor)
