"""How the characters of a text file are written, found out or given."""

from __future__ import annotations

import codecs
from math import inf
from pathlib import Path

from corenet.errors import ConfigError, DataError

HEAD = 2**16  # bytes in which a mark and zeros are looked for
PIECE = 2**21  # bytes that are decoded at a time
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FALLBACK = "cp1252"


def encoding_of(path: Path, most: int | None = None) -> str:
    """Return the encoding by the file's first bytes, UTF-8 if all of it is, or its ``most`` first bytes; else
    Windows-1252.

    Raises:
        DataError: the file is binary.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
        marked = [name for mark, name in MARKS.items() if head.startswith(mark)]
        if marked:
            return marked[0]
        if b"\0" in head:
            raise DataError(f"{path} is binary; give CSV, TSV, Parquet (.parquet), Arrow (.arrow), .npz or .npy")
        file.seek(0)
        decoder, rest = codecs.getincrementaldecoder("utf-8")(), inf if most is None else most
        try:
            while rest > 0 and (piece := file.read(PIECE)):
                decoder.decode(piece)
                rest -= len(piece)
        except UnicodeDecodeError:
            return FALLBACK
    return "utf-8"


def decoded(path: Path, decoder: codecs.IncrementalDecoder, raw: bytes, encoding: str) -> bytes:
    """Return bytes of a file as UTF-8; none of them are the end of it.

    Raises:
        DataError: they are not in this encoding.
    """
    try:
        return decoder.decode(raw, final=not raw).encode()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not in the encoding {encoding}; say which by encoding=") from error


def known(encoding: str) -> str:
    """Return the name by which Python knows an encoding.

    Raises:
        ConfigError: it knows none.
    """
    try:
        return codecs.lookup(encoding).name
    except LookupError as error:
        raise ConfigError(f"encoding {encoding!r} is not known; write utf-8, cp1252 …", name="encoding") from error
