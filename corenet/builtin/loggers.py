"""Callbacks that write a line for each epoch while the training runs."""

from __future__ import annotations

import csv
import json
import os
from math import isfinite
from pathlib import Path
from typing import IO, Any

from corenet.contracts.callback import Callback, Training
from corenet.contracts.case import Case
from corenet.contracts.other_kinds import refuse_other_kind
from corenet.errors import OutputError


class Logger(Callback):
    """A line for each epoch, in a file that others can read while it grows; a subclass writes ``line``."""

    writes = True

    def __init__(self, path: str | Path, append: bool = False) -> None:
        refuse_other_kind(type(self).__name__, path, (str, Path), "a path")
        self.path, self.append = Path(path), append
        self._file: IO[str] | None = None

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the case that it is checked on; its file goes nowhere."""
        return [Case({"path": os.devnull})]

    def line(self, file: IO[str], numbers: dict[str, Any]) -> None:
        """Write what an epoch came to."""
        raise NotImplementedError

    def begin(self, training: Training) -> None:
        self._close()
        try:
            mode = "a" if self.append or training.history else "w"  # a training that goes on has written to it
            self._file = self.path.open(mode, encoding="utf-8", newline="")
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}") from error

    def after_epoch(self, training: Training) -> None:
        assert self._file is not None, "it was begun"
        try:
            self.line(self._file, training.numbers)
            self._file.flush()
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror}") from error

    def end(self, training: Training) -> None:
        self._close()

    def state_dict(self) -> dict[str, Any]:
        return {"end": None if self._file is None or not self._file.seekable() else self._file.tell()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Cut off what was written of epochs that are done again."""
        if self._file is not None and state["end"] is not None and self.path.is_file():
            self._file.truncate(min(state["end"], self._file.tell()))
            self._file.seek(0, os.SEEK_END)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None


class CSVLogger(Logger):
    """Write a row for each epoch to a CSV file, with the columns of a history's own.

    Args:
        path: the file; it is written over, unless ``append``.
        append: add to a file that is there, whose columns are taken to be the same.

    Raises:
        OutputError: the file cannot be written.

    >>> import corenet as cn, tempfile
    >>> model = cn.Linear(2, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     logger = CSVLogger(f"{folder}/log.csv")
    ...     optimizer = cn.SGD(model.parameters(), lr=0.1)
    ...     _ = cn.fit(model, cn.MSELoss(), optimizer, cn.data.disk(9, seed=0), epochs=2, batch_size=9,
    ...                callbacks=[logger], progress=False)
    ...     logger.path.read_text().splitlines()[0]
    'epoch,loss,lr,seconds'
    """

    def begin(self, training: Training) -> None:
        super().begin(training)
        assert self._file is not None, "it was opened"
        self._columns: list[str] | None = None
        self._has_header = self._file.tell() > 0

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "columns": self._columns}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        assert self._file is not None, "it was begun"
        self._columns, self._has_header = state["columns"], self._file.tell() > 0

    def line(self, file: IO[str], numbers: dict[str, Any]) -> None:
        self._columns = self._columns or list(numbers)
        writer = csv.DictWriter(file, self._columns, extrasaction="ignore", lineterminator="\n")
        if not self._has_header:
            writer.writeheader()
        self._has_header = True
        writer.writerow(numbers)


class JSONLLogger(Logger):
    """Write a line of JSON for each epoch to a file, with the names of the columns that a history has as CSV.

    A number that is infinite or not a number, which JSON does not have, is ``null``.

    Args:
        path: the file; it is written over, unless ``append``.
        append: add to a file that is there.

    Raises:
        OutputError: the file cannot be written.

    >>> JSONLLogger("log.jsonl").path.name
    'log.jsonl'
    """

    def line(self, file: IO[str], numbers: dict[str, Any]) -> None:
        file.write(json.dumps({name: _strict(value) for name, value in numbers.items()}, allow_nan=False) + "\n")


def _strict(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_strict(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value
