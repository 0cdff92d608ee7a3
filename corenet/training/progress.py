"""How far a training is: live figures on a terminal, of which the last stay, and a few plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from corenet.history import Epoch

Progress = Callable[[Epoch], None]
LINES = 10
WIDE = 100  # columns of a terminal that has room for a bar beside the figures
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


def say(progress: bool | None, text: str) -> None:
    """Write a line about a training, unless ``progress`` is False."""
    if progress is not False:
        _write(text + "\n")


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

    console = Console(stderr=True)
    bar_and_time = (BarColumn(bar_width=16), TimeRemainingColumn()) if console.width >= WIDE else ()
    figures = TextColumn("{task.fields[figures]}")
    last: list[Epoch] = []
    try:
        with Bar(
            TextColumn("{task.description}"),
            MofNCompleteColumn(),
            *bar_and_time,
            figures,
            console=console,
            transient=True,
        ) as bar:
            task = bar.add_task(label, total=epochs, completed=first, figures="")

            def show(epoch: Epoch) -> None:
                last[:] = [epoch]
                bar.update(task, completed=epoch.epoch, figures=describe(epoch))

            yield show
    finally:
        for epoch in last:
            console.print(line(epoch, epochs, label), markup=False, highlight=False)


def _lines(epochs: int, label: str, first: int) -> Progress:
    every = max(1, (epochs - first) // LINES)

    def show(epoch: Epoch) -> None:
        if epoch.epoch % every == 0 or epoch.epoch == epochs:
            _write(line(epoch, epochs, label) + "\n")

    return show


def _write(text: str) -> None:
    stream = sys.stderr
    with suppress(OSError):  # such as a broken pipe, which is no reason to stop training
        if _is_open(stream):
            stream.write(text)
            getattr(stream, "flush", _nothing)()


def _nothing() -> None:
    """Stand in for what a stream may do without."""


def line(epoch: Epoch, epochs: int, label: str = TRAINING) -> str:
    """Return the line that tells of an epoch.

    >>> line(Epoch(2, 0.25, 0.1, 0.01), 10, "round 1/3")
    'round 1/3, epoch 2/10  loss 0.2500'
    """
    start = f"{label}, " if label != TRAINING else ""
    return f"{start}epoch {epoch.epoch}/{epochs}  {describe(epoch)}"


def describe(epoch: Epoch) -> str:
    """Return the figures of an epoch in one line.

    >>> describe(Epoch(1, 0.25, 0.1, 0.01, {"error_rate": 0.02}, {"loss": 0.26, "error_rate": 0.03}))
    'loss 0.2500 valid 0.2600  error_rate train 0.020 valid 0.030'
    """
    parts = [f"loss {epoch.loss:.4f}" + (f" valid {epoch.valid['loss']:.4f}" if "loss" in epoch.valid else "")]
    parts += [f"skipped {epoch.skipped} steps"] if epoch.skipped else []
    for name, value in epoch.train.items():
        if isinstance(value, list):  # a table, which has no place in a line
            continue
        valid = f" valid {epoch.valid[name]:.3f}" if name in epoch.valid else ""
        parts.append(f"{name} train {value:.3f}{valid}")
    return "  ".join(parts)
