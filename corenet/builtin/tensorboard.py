"""Numbers of a training for TensorBoard, in its own format: records of protocol buffers, each with its checksum."""

from __future__ import annotations

import atexit
import os
import platform
import struct
import time
from collections.abc import Iterator
from itertools import count
from math import copysign, inf
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import IO

from corenet.contracts.callback import Callback, Training
from corenet.contracts.case import Case
from corenet.contracts.other_kinds import refuse_other_kind
from corenet.errors import OutputError

POLYNOMIAL = 0x82F63B78  # of CRC-32C, its bits in reverse
LARGEST = (2 - 2**-23) * 2.0**127  # number of single precision
LENGTH_DELIMITED, VARINT, FIXED32, FIXED64 = 2, 0, 5, 1  # the kinds of fields


class TensorBoard(Callback):
    """Write every number of each epoch to a file of events, which TensorBoard shows as curves while it grows.

    ``pip install 'corenet[tensorboard]'`` and ``tensorboard --logdir runs`` show it; to write it nothing is needed.

    Args:
        log_dir: the folder of the run; runs side by side are folders in one folder. It is made if there is none.

    Raises:
        OutputError: the file cannot be written.

    >>> TensorBoard("runs/first").log_dir.name
    'first'
    """

    writes = True

    def __init__(self, log_dir: str | Path = "runs") -> None:
        refuse_other_kind("TensorBoard", log_dir, (str, Path), "a path as log_dir")
        self.log_dir = Path(log_dir)
        self._file: IO[bytes] | None = None

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the case that it is checked on; its folder is gone when Python ends."""
        folder = mkdtemp(prefix="corenet-")
        atexit.register(rmtree, folder, ignore_errors=True)
        return [Case({"log_dir": folder})]

    def begin(self, training: Training) -> None:
        self.end(training)
        try:
            self.log_dir.mkdir(parents=True, exist_ok=True)
            self._file = _new_file(self.log_dir)
        except OSError as error:
            raise OutputError(f"cannot write to {self.log_dir}: {error.strerror}") from error
        self._write(_event(0, _field(3, b"brain.Event:2")))

    def after_epoch(self, training: Training) -> None:
        numbers = {name: value for name, value in training.numbers.items() if name != "epoch"}
        values = b"".join(_scalar(name, value) for name, value in numbers.items() if isinstance(value, (int, float)))
        self._write(_event(training.epoch, _field(5, values)))

    def end(self, training: Training) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None

    def _write(self, event: bytes) -> None:
        assert self._file is not None, "it was begun"
        length = struct.pack("<Q", len(event))
        try:
            self._file.write(length + _checksum(length) + event + _checksum(event))
            self._file.flush()
        except OSError as error:
            raise OutputError(f"cannot write to {self.log_dir}: {error.strerror}") from error


def _new_file(folder: Path) -> IO[bytes]:
    """Open a file of the name that TensorBoard looks for; each training has its own."""
    name = f"events.out.tfevents.{int(time.time()):010}.{platform.node()}.{os.getpid()}"
    paths = (folder / f"{name}.{number}" for number in count())
    return next(path for path in paths if not path.exists()).open("xb")


def _event(step: int, what: bytes) -> bytes:
    """Return an event: the time, the step, and what is of it."""
    return _key(1, FIXED64) + struct.pack("<d", time.time()) + _key(2, VARINT) + _varint(step) + what


def _scalar(name: str, value: float) -> bytes:
    """Return one number of a summary."""
    single = copysign(inf, value) if abs(value) > LARGEST else value
    return _field(1, _field(1, _tag(name).encode()) + _key(2, FIXED32) + struct.pack("<f", single))


def _tag(name: str) -> str:
    """Return where TensorBoard shows a number: what is measured, and then on what.

    >>> _tag("valid_loss"), _tag("loss"), _tag("lr")
    ('loss/valid', 'loss/train', 'lr')
    """
    part, _, metric = name.partition("_")
    if part in ("train", "valid") and metric:
        return f"{metric}/{part}"
    return "loss/train" if name == "loss" else name


def _field(number: int, content: bytes) -> bytes:
    return _key(number, LENGTH_DELIMITED) + _varint(len(content)) + content


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _varint(value: int) -> bytes:
    """Return an integer in groups of seven bits, the lowest first, each but the last with the eighth bit set."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _checksum(content: bytes) -> bytes:
    """Return the CRC-32C of some bytes, turned and shifted as the format has it."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _table() -> Iterator[int]:
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (POLYNOMIAL if value & 1 else 0)
        yield value


_TABLE = tuple(_table())
