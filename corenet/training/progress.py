"""How far a training is: a bar with live figures on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from corenet.training.history import Epoch

Progress = Callable[[Epoch], None]
LINES = 10
TRAINING = "training"


@contextmanager
def progress_for(progress: bool | None, epochs: int, label: str = TRAINING) -> Iterator[Progress]:
    """Give a function to call after each epoch; see :func:`~corenet.fit` for ``progress``."""
    if progress is False:
        yield lambda epoch: None
    elif sys.stderr.isatty():
        with _bar(epochs, label) as show:
            yield show
    else:
        yield _lines(epochs, label)


@contextmanager
def _bar(epochs: int, label: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=epochs, figures="")
        yield lambda epoch: bar.update(task, completed=epoch.epoch, figures=describe(epoch))


def _lines(epochs: int, label: str) -> Progress:
    start = f"{label}, " if label != TRAINING else ""
    every = max(1, epochs // LINES)

    def show(epoch: Epoch) -> None:
        if epoch.epoch % every == 0 or epoch.epoch == epochs:
            print(f"{start}epoch {epoch.epoch}/{epochs}  {describe(epoch)}", file=sys.stderr, flush=True)

    return show


def describe(epoch: Epoch) -> str:
    """Return the figures of an epoch in one line.

    >>> describe(Epoch(1, 0.25, 0.1, 0.01, {"error_rate": 0.02}, {"error_rate": 0.03}))
    'loss 0.2500  error_rate train 0.020 valid 0.030'
    """
    parts = [f"loss {epoch.loss:.4f}"]
    for name, value in epoch.train.items():
        valid = f" valid {epoch.valid[name]:.3f}" if name in epoch.valid else ""
        parts.append(f"{name} train {value:.3f}{valid}")
    return "  ".join(parts)
