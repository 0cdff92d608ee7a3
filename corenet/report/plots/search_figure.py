"""The figure of a search: what came of each trial, in their order and over each entry. It needs the extra ``plot``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corenet.report.plots.style import FAINT, INK, INSIDE, OUTSIDE, dress, new_figure, write_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT, ACROSS = 3.2, 3.0, 3


def search_figure(
    path: str | Path, title: str, metric: str, values: Sequence[float], entries: dict[str, list[Any]], logs: set[str]
) -> Path:
    """Draw the metric of each trial over the trials and over each entry that was tried, and return the path.

    Args:
        path: where to write the PNG file.
        title: the title above the panels.
        metric: what the values are called.
        values: one for each trial, in their order; the first minimum is the best.
        entries: what each trial tried, by entry; what is no number stands beside what is another.
        logs: the entries that are drawn by their logarithm.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: the file cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     search_figure(f"{folder}/search.png", "Three", "loss", [3.0, 1.0, 2.0], {"lr": [0.1, 0.01, 1]}, {"lr"}).name
    'search.png'
    """
    panels = 1 + len(entries)
    across = min(panels, ACROSS)
    down = -(-panels // across)
    figure = new_figure(title, max(WIDTH * across, 6), HEIGHT * down + 0.6)
    axes = list(figure.subplots(down, across, sharey=True, squeeze=False).flat)
    _course(axes[0], metric, values)
    best = values.index(min(values))
    for place, (name, tried) in enumerate(entries.items(), 1):
        _slice(axes[place], name, tried, values, best, is_log=name in logs)
    for unused in axes[panels:]:
        unused.set_axis_off()
    if min(values) > 0 and max(values) > 10 * min(values):
        axes[0].set_yscale("log")
    return write_png(figure, path)


def _course(axes: Axes, metric: str, values: Sequence[float]) -> None:
    trials = range(1, len(values) + 1)
    dress(axes, x="trial", y=metric)
    axes.scatter(trials, values, s=14, c=OUTSIDE, linewidths=0)
    axes.plot(trials, list(accumulate(values, min)), color=INSIDE, linewidth=1.5, drawstyle="steps-post", label="best")
    axes.legend(frameon=False)


def _slice(axes: Axes, name: str, tried: Sequence[Any], values: Sequence[float], best: int, *, is_log: bool) -> None:
    dress(axes, x=name)
    if not all(isinstance(each, int | float) for each in tried):
        tried = [str(each) for each in tried]
    axes.scatter(tried, values, s=14, c=OUTSIDE, linewidths=0)
    axes.scatter(tried[best], values[best], s=60, facecolors="none", edgecolors=INSIDE, linewidths=1.5)
    if is_log:
        axes.set_xscale("log")
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.tick_params(labelcolor=INK)
