"""What a training was like: a record for each epoch."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any, overload

from corenet.errors import ConfigError
from corenet.files import write_text
from corenet.notebook.curves import curves


@dataclass(frozen=True)
class Epoch:
    """One pass over the training data.

    ``loss`` is the mean over the epoch's batches, each taken before its step;
    ``train`` and ``valid`` are the metrics after the epoch, by name; with validation data,
    ``valid["loss"]`` is its mean loss. ``seconds`` is the wall-clock time of the steps, without
    the metrics; epochs done in one call share its time evenly, what was measured in it included.
    A metric is a number, but for one that gives several, such as a confusion matrix, which is a list.
    ``skipped`` counts the steps that ``on_non_finite="skip"`` left out; the loss is that of the others.
    """

    epoch: int
    loss: float
    lr: float
    seconds: float
    train: Mapping[str, Any] = field(default_factory=dict)
    valid: Mapping[str, Any] = field(default_factory=dict)
    skipped: int = 0


class History(Sequence[Epoch]):
    """The epochs of a training, in order; a sequence of :class:`Epoch`. ``engine`` is what ran its last steps.

    >>> history = History([Epoch(1, 0.5, 0.1, 0.01, {"error_rate": 0.2}, {"error_rate": 0.3})])
    >>> history.losses
    [0.5]
    >>> history[-1].valid["error_rate"]
    0.3
    """

    def __init__(self, epochs: Sequence[Epoch] = (), engine: str = "plain") -> None:
        if not isinstance(epochs, Sequence) or not all(isinstance(each, Epoch) for each in epochs):
            raise ConfigError(f"a History is a list of corenet.history.Epoch, not {epochs!r:.80}", value=epochs)
        self._epochs = list(epochs)
        self.engine = engine

    @property
    def losses(self) -> list[float]:
        """The training loss of each epoch."""
        return [epoch.loss for epoch in self]

    @property
    def seconds(self) -> float:
        """The wall-clock time of all steps, in seconds."""
        return sum(epoch.seconds for epoch in self)

    def append(self, epoch: Epoch) -> None:
        """Add the record of one more epoch."""
        self._epochs.append(epoch)

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the epochs as a JSON list, and write it to ``path`` if one is given.

        Numbers that are infinite or not a number, which JSON does not have, are ``null``.

        Raises:
            OutputError: the file cannot be written.
        """
        text = json.dumps([strict(_written(epoch)) for epoch in self], indent=1, allow_nan=False)
        if path is not None:
            write_text(path, text + "\n")
        return text

    def to_csv(self, path: str | Path) -> None:
        """Write a row for each epoch to ``path``; metrics are columns such as ``valid_error_rate``.

        A metric that an epoch does not have is left empty.

        Raises:
            OutputError: the file cannot be written.
        """
        rows = [columns(epoch) for epoch in self]
        header = dict.fromkeys(["epoch", "loss", "lr", "seconds"])
        for row in rows:
            header.update(dict.fromkeys(row))
        text = StringIO()
        writer = csv.DictWriter(text, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(path, text.getvalue())

    @overload
    def __getitem__(self, index: int) -> Epoch: ...
    @overload
    def __getitem__(self, index: slice) -> History: ...
    def __getitem__(self, index: int | slice) -> Epoch | History:
        return History(self._epochs[index], self.engine) if isinstance(index, slice) else self._epochs[index]

    def __len__(self) -> int:
        return len(self._epochs)

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self._epochs)

    def __repr__(self) -> str:
        last = f", loss {self[-1].loss:.4g}" if self else ""
        return f"History({len(self)} epochs{last})"

    def _repr_html_(self) -> str:
        """Return the loss and each metric as curves, for notebooks."""
        drawn = [curves(parts, "epoch", name) for name, parts in self._curves().items()]
        return f"<p>{escape(repr(self))}</p>{''.join(drawn)}"

    def _curves(self) -> dict[str, dict[str, list[tuple[float, float]]]]:
        """Return the points of each metric that is a number, of each part of the data."""
        found: dict[str, dict[str, list[tuple[float, float]]]] = {}
        for each in self:
            parts = {"train": {"loss": each.loss, **each.train}, "valid": each.valid}
            for part, name, value in ((p, n, v) for p, metrics in parts.items() for n, v in metrics.items()):
                if isinstance(value, (int, float)):
                    found.setdefault(name, {}).setdefault(part, []).append((each.epoch, value))
        return found


def columns(epoch: Epoch) -> dict[str, Any]:
    """Return what an epoch came to in one row, by the names of the columns.

    >>> columns(Epoch(1, 0.5, 0.1, 0.01, {}, {"loss": 0.6}))
    {'epoch': 1, 'loss': 0.5, 'lr': 0.1, 'seconds': 0.01, 'valid_loss': 0.6}
    """
    row = {"epoch": epoch.epoch, "loss": epoch.loss, "lr": epoch.lr, "seconds": epoch.seconds}
    for part, metrics in (("train", epoch.train), ("valid", epoch.valid)):
        row.update({f"{part}_{name}": value for name, value in metrics.items()})
    return row | ({"skipped": epoch.skipped} if epoch.skipped else {})


def _written(epoch: Epoch) -> dict[str, Any]:
    """Return an epoch by the names of its fields; how many steps were skipped, if any were."""
    return {name: value for name, value in asdict(epoch).items() if name != "skipped" or value}


def strict(value: Any) -> Any:
    """Return ``value``, as JSON has it, with None in the place of each number that is not finite."""
    if isinstance(value, Mapping):
        return {name: strict(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [strict(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
