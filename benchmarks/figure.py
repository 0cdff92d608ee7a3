"""The figures: bars for one race, lines where something grows from race to race."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.labels import label_of
from benchmarks.row import Row
from corenet.report.plots.style import FAINT, INSIDE, OUTSIDE, SMALL, dress, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchmarks.report import Report

MARKS = "osD^vPX*"
FEW = 8  # ticks that have room


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
    drawn = axes.barh([label_of(row.contestant, row.engine) for row in rows], values, color=colours)
    axes.bar_label(drawn, fmt="%.3g", padding=3, fontsize=SMALL)
    axes.margins(x=0.12)


def lines(panels: dict[str, dict[str, tuple[Sequence[float], Sequence[float]]]], title: str, y: str) -> Figure:
    """Draw a panel for each of ``panels``, by its x label: lines by contestant, (xs, ys), on logarithmic axes."""
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    figure = new_figure(title, 5.5 * columns, 0.8 + 3.6 * rows)
    for axes, (x, curves) in zip(figure.subplots(rows, columns, squeeze=False).flat, panels.items(), strict=False):
        dress(axes, x=x, y=y)
        _lines(axes, curves, names)
    known = {label: line for axes in figure.axes for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    if known:
        lines = [known[label_of(name)] for name in names]
        figure.legend(
            lines,
            [label_of(name) for name in names],
            loc="outside lower center",
            ncols=5,
            fontsize=SMALL,
            frameon=False,
        )
    return figure


def _lines(axes: Axes, curves: dict[str, tuple[Sequence[float], Sequence[float]]], names: Sequence[str]) -> None:
    """Draw each name in its own colour, and thinner than the one before, so that of two in one place both are seen."""
    for name, (xs, ys) in curves.items():
        place = names.index(name)
        width = 4 / (1 + 0.4 * place)
        axes.plot(xs, ys, f"C{place}{MARKS[place]}-", linewidth=width, markersize=3 + 1.7 * width, label=label_of(name))
    _logarithmic(axes, sorted({x for xs, _ in curves.values() for x in xs}))


def _logarithmic(axes: Axes, values: Sequence[float]) -> None:
    """Make both axes logarithmic, with plain numbers beside them; a few ``values`` of x are the ticks themselves."""
    from matplotlib.ticker import LogLocator

    axes.set(xscale="log", yscale="log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_yticks([], minor=True)
    if len(values) <= FEW:
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.set_xticks([], minor=True)
    axes.grid(color=FAINT, linewidth=0.6)
