"""The curves of a run, its losses and first metric over the epochs, as a PNG file. They need the extra ``plot``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corenet.report.plots.style import FAINT, INK, INSIDE, OUTSIDE, SMALL, dress, new_figure, write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTS = (("train", OUTSIDE), ("valid", INSIDE))


def run_curves(path: str | Path, rows: Sequence[Mapping[str, Any]], title: str, best_epoch: int | None = None) -> Path:
    """Draw the rows of a run's history, and return the path. A thin line marks the epoch whose weights were kept.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: the file cannot be written.

    >>> import tempfile
    >>> rows = [{"epoch": 1, "loss": 0.6, "valid_loss": 0.7}, {"epoch": 2, "loss": 0.4, "valid_loss": 0.6}]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run_curves(f"{folder}/curves.png", rows, "Two epochs").name
    'curves.png'
    """
    metric = _first_metric(rows[-1])
    figure = new_figure(title, 7.5, 7 if metric else 4.2)
    panels = figure.subplots(2 if metric else 1, 1, sharex=True, squeeze=False)[:, 0]
    _panel(panels[0], rows, {"train": "loss", "valid": "valid_loss"}, "loss", best_epoch)
    if metric:
        _panel(panels[1], rows, {part: f"{part}_{metric}" for part, _ in PARTS}, metric.replace("_", " "), best_epoch)
    panels[-1].set_xlabel("epoch")
    figure.align_ylabels()
    return write_png(figure, path)


def _first_metric(row: Mapping[str, Any]) -> str:
    names = (name.removeprefix("train_") for name in row if name.startswith("train_"))
    return next((name for name in names if not isinstance(row[f"train_{name}"], list)), "")


def _panel(
    axes: Axes, rows: Sequence[Mapping[str, Any]], names: Mapping[str, str], label: str, best_epoch: int | None
) -> None:
    from matplotlib.ticker import MaxNLocator

    dress(axes, y=label)
    for part, colour in PARTS:
        points = [(row["epoch"], row[names[part]]) for row in rows if row.get(names[part]) is not None]
        if points:
            axes.plot(*zip(*points, strict=True), color=colour, linewidth=1.5, label=part)
    if best_epoch is not None:
        axes.axvline(best_epoch, color=INK, linewidth=0.8, linestyle="dotted", label=f"best, epoch {best_epoch}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axes.grid(color=FAINT, linewidth=0.6)
    axes.margins(x=0.02)
    axes.legend(fontsize=SMALL, frameon=False, labelcolor=INK)
