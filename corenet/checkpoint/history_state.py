"""A history as the bytes of its JSON: of ten thousand epochs it would be too long for a header."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor

from corenet.checkpoint.arguments import NotKeptError
from corenet.checkpoint.description import Builder, Describer
from corenet.checkpoint.strict_json import parse
from corenet.errors import CheckpointError
from corenet.history import Epoch, History

NUMBERS = {"epoch": int, "loss": float, "lr": float, "seconds": float}
METRICS = ("train", "valid")


def as_tensor(history: History, describer: Describer) -> Tensor:
    """Return a history as a tensor of bytes."""
    try:
        epochs = [_written(epoch, describer) for epoch in history]
    except NotKeptError as error:
        raise CheckpointError(f"the history cannot be saved: {error}") from error
    text = json.dumps({"engine": history.engine, "epochs": epochs}, separators=(",", ":"))
    return torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)


def history_of(tensor: Tensor, builder: Builder) -> History:
    """Return the history that :func:`as_tensor` wrote.

    Raises:
        ValueError, TypeError, LookupError: it is damaged.

    >>> history = History([Epoch(1, 0.5, 0.1, 0.01, {"f1": float("nan")})], "replay")
    >>> again = history_of(as_tensor(history, Describer({}.get)), Builder({}.get, {}))
    >>> again.engine, again[0]
    ('replay', Epoch(epoch=1, loss=0.5, lr=0.1, seconds=0.01, train={'f1': nan}, valid={}, skipped=0))
    """
    found = parse(tensor.numpy().tobytes())
    return History([_read(epoch, builder) for epoch in found["epochs"]], str(found["engine"]))


def epochs_in(tensor: Tensor) -> int:
    """Return how many epochs a history has that :func:`as_tensor` wrote."""
    return len(parse(tensor.numpy().tobytes())["epochs"])


def _written(epoch: Epoch, describer: Describer) -> dict[str, Any]:
    numbers = {name: describer.value(getattr(epoch, name), name) for name in NUMBERS}
    metrics = {
        part: {name: describer.value(value, name) for name, value in getattr(epoch, part).items()} for part in METRICS
    }
    return {**numbers, **metrics, **({"skipped": epoch.skipped} if epoch.skipped else {})}


def _read(epoch: dict[str, Any], builder: Builder) -> Epoch:
    numbers: dict[str, Any] = {name: kind(builder.value(epoch[name])) for name, kind in NUMBERS.items()}
    metrics: dict[str, Any] = {part: builder.arguments(epoch[part]) for part in METRICS}
    return Epoch(**numbers, **metrics, skipped=int(epoch.get("skipped", 0)))
