"""Tables of experiments that are larger than memory, and which they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corenet.machine import free_memory

if TYPE_CHECKING:
    from corenet.tables.streaming.table import StreamedTable
    from corenet.tables.table import Table

HOW = ("missing", "delimiter", "encoding", "header")


def is_streamed(data: Mapping[str, Any], folder: Path) -> bool:
    """Tell whether a table is read anew in each epoch: if that is said, or else by its size; several files always are.

    Raises:
        DataError: the file is no table.
    """
    from corenet.tables.bundled import NAMES
    from corenet.tables.streaming.shards import is_of_shards

    if data["source"] in NAMES:
        return False
    path = folder / data["source"]
    if is_of_shards(path):
        return True
    return _is_large(path, data) if data["stream"] is None else bool(data["stream"])


def _is_large(path: Path, data: Mapping[str, Any]) -> bool:
    """Tell whether a file takes more memory as a table than is free."""
    from corenet.tables.streaming.size import needed_memory

    free = free_memory()
    if free is None or not path.is_file():
        return False
    return needed_memory(path, data["delimiter"], data["encoding"], data["header"]) > free


def streamed(data: Mapping[str, Any], folder: Path, seed: int) -> StreamedTable:
    """Return the table of an experiment, its parts chosen by the seed.

    Raises:
        DataError, OutputError: it cannot be read.
        ConfigError: what is said of it cannot be.
    """
    from corenet.tables.streaming.table import stream_table

    how = {name: data[name] for name in (*HOW, "buffer") if data[name] is not None}
    parts = {"valid": data["valid"], "test": data["test"], "seed": seed}
    return stream_table(folder / data["source"], data["target"], columns=data["columns"], **parts, **how)


def stream_entries(table: Table | StreamedTable) -> dict[str, Any]:
    """Return what an experiment says of how the rows of a table are read, so that it is done again in the same way."""
    from corenet.tables.streaming.table import StreamedTable

    if isinstance(table, StreamedTable):
        return {"stream": True, "buffer": table.train.room}
    return {"stream": False}
