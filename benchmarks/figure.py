"""The figures: bars for one race, lines where something grows from race to race."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.row import Row
from corenet.report.style import FAINT, INSIDE, OUTSIDE, SMALL, dress, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmarks.report import Report

MARKS = "osD^vPX*"


def bars(report: Report) -> Figure:
    """Draw a panel for each race: the µs of a step, corenet's bars in their own colour."""
    races = {title: [row for row in rows if not row.skipped] for title, rows in report.races.items()}
    height = 1.2 + 0.36 * max(len(rows) for rows in races.values())
    figure = new_figure(report.title, 6.5 * len(races), height)
    for axes, (title, rows) in zip(figure.subplots(1, len(races), squeeze=False)[0], races.items(), strict=True):
        _bars(axes, title, sorted(rows, key=lambda row: -row.step_seconds))
    return figure


def _bars(axes: Axes, title: str, rows: Sequence[Row]) -> None:
    dress(axes, title, "µs a step")
    values = [1e6 * row.step_seconds for row in rows]
    colours = [INSIDE if row.contestant.startswith("corenet") else OUTSIDE for row in rows]
    drawn = axes.barh([row.contestant for row in rows], values, color=colours)
    axes.bar_label(drawn, fmt="%.3g", padding=3, fontsize=SMALL)
    axes.margins(x=0.12)


def lines(panels: dict[str, dict[str, tuple[Sequence[float], Sequence[float]]]], title: str, y: str) -> Figure:
    """Draw a panel for each of ``panels``, by its x label: lines by name, (xs, ys), on logarithmic axes."""
    figure = new_figure(title, 5.5 * len(panels), 4.2)
    for axes, (x, curves) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        dress(axes, x=x, y=y)
        for mark, (name, (xs, ys)) in zip(MARKS, curves.items(), strict=False):
            axes.plot(xs, ys, marker=mark, label=name)
        axes.set(xscale="log", yscale="log")
        axes.grid(color=FAINT, linewidth=0.6)
        axes.legend(fontsize=SMALL, frameon=False)
    return figure
