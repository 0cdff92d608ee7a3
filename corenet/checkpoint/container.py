"""A file of tensors and one JSON document, with a checksum over every byte: safetensors, read strictly."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as to_bytes
from torch import Tensor

from corenet.checkpoint.header import LONGEST, METADATA, Entry, entries, refuse_name
from corenet.checkpoint.strict_json import parse
from corenet.errors import CheckpointError, OutputError
from corenet.registry.sanitize import plain

FORMAT = 2
KEY = "corenet"
BEFORE = b'{"__metadata__":{"corenet":"{\\"format\\":2,\\"sha256\\":\\"'  # how the header of every file begins
PLACE = slice(8 + len(BEFORE), 8 + len(BEFORE) + 64)  # of the checksum
BLANK = "0" * 64  # which stands there while it is computed


@dataclass(frozen=True)
class Contents:
    """What a file holds: ``metadata`` as strings, the ``document`` in it if it has one, and where its tensors lie."""

    path: Path
    metadata: Mapping[str, str]
    document: dict[str, Any] | None
    entries: Mapping[str, Entry]
    _bytes: bytearray
    _data: int

    def tensor(self, name: str) -> Tensor:
        """Return a tensor, which shares the memory of the file's bytes.

        Raises:
            CheckpointError: its bytes are no values of its dtype.
        """
        entry = self.entries[name]
        if entry.begin == entry.end:
            return torch.empty(entry.shape, dtype=entry.dtype)
        count, offset = entry.end - entry.begin, self._data + entry.begin
        raw = torch.frombuffer(self._bytes, dtype=torch.uint8, count=count, offset=offset)
        if raw.data_ptr() % entry.dtype.itemsize:  # an earlier writer did not align it
            raw = raw.clone()
        if entry.dtype == torch.bool and bool((raw > 1).any()):
            raise CheckpointError(f"{self.path} is damaged: tensor {name!r} has values that are neither True nor False")
        return raw.view(entry.dtype).reshape(entry.shape)

    def tensors(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors whose names begin with ``prefix``, without it."""
        return {name.removeprefix(prefix): self.tensor(name) for name in self.entries if name.startswith(prefix)}


def packed(document: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> bytearray:
    """Return the bytes of a file.

    Raises:
        CheckpointError: it would not be one that can be read: a name or the document is too long.

    >>> document = {"versions": {}}
    >>> content = packed(document, {"a": torch.ones(2)})
    >>> content[8 : 8 + len(BEFORE)] == BEFORE
    True
    """
    text = json.dumps({"format": FORMAT, "sha256": BLANK, **document}, separators=(",", ":"), ensure_ascii=False)
    try:
        for name in tensors:
            refuse_name(name)
        content = bytearray(to_bytes(dict(tensors), {KEY: text}))
        _refuse_long(_data_of(content) - 8)
        parse(text)
        entries(parse(bytes(content[8 : _data_of(content)])), len(content) - _data_of(content))
    except ValueError as error:
        raise CheckpointError(f"this cannot be saved: {error}") from error
    content[PLACE] = _checksum(content).encode()
    return content


def read(path: Path) -> Contents:
    """Return what a file holds, if it is whole; nothing larger than the file is kept.

    Raises:
        OutputError: there is no such file, or it cannot be read.
        CheckpointError: it is no checkpoint, or one that is damaged.
    """
    if not path.is_file():
        raise OutputError(f"there is no file {path}")
    try:
        return _contents(path, _bytes_of(path))
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is not a checkpoint: {plain(str(error))}") from error


def _refuse_long(length: int) -> None:
    if length > LONGEST:
        raise ValueError(f"its description takes {length} bytes, and there is room for {LONGEST}")


def _bytes_of(path: Path) -> bytearray:
    """Return the bytes of a file whose first look like those of one, so that no other is read into memory."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        first = file.read(8)
        length = int.from_bytes(first, "little")
        if len(first) < 8 or length > LONGEST or 8 + length > size:
            raise ValueError("it is cut short, or of another format")
        header = file.read(length)
        entries(parse(header), size - 8 - length)
        content = bytearray(size)
        content[: 8 + length] = first + header
        if file.readinto(memoryview(content)[8 + length :]) != size - 8 - length:
            raise ValueError("it changed while it was read")
        return content


def _contents(path: Path, content: bytearray) -> Contents:
    start = _data_of(content)
    header = parse(bytes(content[8:start]))
    metadata = header.get(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(each, str) for each in metadata.values()):
        raise ValueError(f"its {METADATA} are no strings by name")
    document = _document(content, metadata) if KEY in metadata else None
    return Contents(path, metadata, document, entries(header, len(content) - start), content, start)


def _document(content: bytearray, metadata: dict[str, Any]) -> dict[str, Any]:
    if not content.startswith(BEFORE, 8):
        raise ValueError("it begins as no file of this version does; it is damaged, or a later corenet wrote it")
    if _checksum(content) != content[PLACE].decode("ascii", "replace"):
        raise ValueError("it is damaged: its bytes are not those that were written (SHA-256)")
    if metadata.keys() != {KEY}:
        raise ValueError(f"its {METADATA} have more than {KEY!r}")
    document = parse(metadata[KEY])
    if type(document) is not dict:
        raise ValueError("its description is no table")
    return document


def _data_of(content: bytes | bytearray) -> int:
    """Return where the data begin."""
    return 8 + int.from_bytes(content[:8], "little")


def _checksum(content: bytearray) -> str:
    """Return the SHA-256 of all bytes, those of the checksum taken as zeros."""
    view = memoryview(content)
    found = hashlib.sha256(view[: PLACE.start])
    found.update(BLANK.encode())
    found.update(view[PLACE.stop :])
    return found.hexdigest()
