"""How far a training is: a bar with live figures on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from corenet.training.history import Epoch

Progress = Callable[[Epoch], None]
LINES = 10
TRAINING = "training"


@contextmanager
def progress_for(progress: bool | None, epochs: int, label: str = TRAINING, first: int = 0) -> Iterator[Progress]:
    """Give a function to call after each epoch from ``first`` on; see :func:`~corenet.fit` for ``progress``."""
    if progress is False or not _is_open(sys.stderr):
        yield lambda epoch: None
    elif _is_terminal(sys.stderr):
        with _bar(epochs, label, first) as show:
            yield show
    else:
        yield _lines(epochs, label, first)


def _is_open(stream: object) -> bool:
    """Tell whether there is a standard error, which a process without a console does not have."""
    return hasattr(stream, "write") and not getattr(stream, "closed", False)


def _is_terminal(stream: object) -> bool:
    isatty = getattr(stream, "isatty", None)  # an object that stands in for a file may do without
    return isatty is not None and bool(isatty())


@contextmanager
def _bar(epochs: int, label: str, first: int) -> Iterator[Progress]:
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
    with Bar(*columns, console=Console(stderr=True)) as bar:  # which stays, with the figures of the last epoch
        task = bar.add_task(label, total=epochs, completed=first, figures="")
        yield lambda epoch: bar.update(task, completed=epoch.epoch, figures=describe(epoch))


def _lines(epochs: int, label: str, first: int) -> Progress:
    start = f"{label}, " if label != TRAINING else ""
    every = max(1, (epochs - first) // LINES)

    def show(epoch: Epoch) -> None:
        if epoch.epoch % every == 0 or epoch.epoch == epochs:
            _write(f"{start}epoch {epoch.epoch}/{epochs}  {describe(epoch)}\n")

    return show


def _write(text: str) -> None:
    stream = sys.stderr
    with suppress(OSError):  # such as a broken pipe, which is no reason to stop training
        if _is_open(stream):
            stream.write(text)
            getattr(stream, "flush", _nothing)()


def _nothing() -> None:
    """Stand in for what a stream may do without."""


def describe(epoch: Epoch) -> str:
    """Return the figures of an epoch in one line.

    >>> describe(Epoch(1, 0.25, 0.1, 0.01, {"error_rate": 0.02}, {"loss": 0.26, "error_rate": 0.03}))
    'loss 0.2500 valid 0.2600  error_rate train 0.020 valid 0.030'
    """
    parts = [f"loss {epoch.loss:.4f}" + (f" valid {epoch.valid['loss']:.4f}" if "loss" in epoch.valid else "")]
    for name, value in epoch.train.items():
        valid = f" valid {epoch.valid[name]:.3f}" if name in epoch.valid else ""
        parts.append(f"{name} train {value:.3f}{valid}")
    return "  ".join(parts)
