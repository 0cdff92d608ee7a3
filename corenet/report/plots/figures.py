"""The three figures of an experiment, as PNG files. They need the extra ``plot``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from corenet.errors import DataError, ShapeError
from corenet.history import Epoch, History
from corenet.report.plots.decision_surface import DecisionSurface
from corenet.report.plots.style import (
    FAINT,
    INK,
    INSIDE,
    LABEL,
    MIDDLE,
    OUTSIDE,
    SMALL,
    dress,
    legend_below,
    new_figure,
    true_circle,
    unit_square,
    write_png,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

CELLS = 300
MOST_POINTS = 1000
ERROR_TICKS = (0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)


def true_and_predicted(path: str | Path, points: Tensor, true: Tensor, predicted: Tensor, title: str) -> Path:
    """Draw the points by their true and by their predicted class, side by side, and return the path.

    Wrong predictions are ringed; a thin circle separates the true classes.

    Shape: points ``(N, 2)`` in the unit square; true and predicted ``(N,)``, true inside the disk.

    Raises:
        MissingExtraError: matplotlib is not installed.
        ShapeError: the shapes do not match.
        OutputError: the file cannot be written; nothing is left behind.

    >>> import corenet as cn, tempfile
    >>> data = cn.data.disk(100, seed=0)
    >>> inside = data.targets[:, 0] > 0.5
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     true_and_predicted(f"{folder}/points.png", data.inputs, inside, inside, "No mistake").name
    'points.png'
    """
    points, true, predicted = points.detach().float().cpu(), true.cpu().bool(), predicted.cpu().bool()
    _refuse_misfits(points, true, predicted)
    wrong = true != predicted
    figure = new_figure(title, 10, 5.6)
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    unit_square(left, "true class")
    unit_square(right, f"predicted class: {int(wrong.sum())} of {len(wrong)} wrong")
    right.label_outer()
    _scatter(left, points, true)
    inside, outside = _scatter(right, points, predicted)
    rings = _rings(right, points[wrong])
    true_circle(left, "solid")
    circle = true_circle(right, "solid")
    legend_below(figure, [inside, outside, rings, circle], ["inside", "outside", "wrong", "true circle"])
    return write_png(figure, path)


def output_map(path: str | Path, surface: DecisionSurface, title: str) -> Path:
    """Draw the output of a model over the unit square as colours, and return the path.

    The solid line is where the output crosses the threshold, the dashed one the true circle.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: the file cannot be written; nothing is left behind.

    >>> import tempfile
    >>> surface = DecisionSurface(lambda points: points[:, 0], threshold=0.5, low=0.0, high=1.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     output_map(f"{folder}/map.png", surface, "A slope").name
    'map.png'
    """
    figure = new_figure(title, 6.4, 6)
    output = surface.grid(CELLS, CELLS)
    axes = figure.subplots()
    unit_square(axes)
    _colours(figure, axes, surface, output)
    handles: list[Artist] = [true_circle(axes, "dashed")]
    labels = ["true circle"]
    if output.min() < surface.threshold < output.max():  # else there is no line to draw
        handles.append(_level_line(axes, output, surface.threshold))
        labels.append(f"decision line, output {surface.threshold:g}")
    legend_below(figure, handles, labels)
    return write_png(figure, path)


def curves(
    path: str | Path, histories: Sequence[History], title: str, reported: Mapping[str, float] | None = None
) -> Path:
    """Draw training loss and error rates over the epochs, and return the path.

    Lines are means over rounds, bands reach one standard deviation (of the sample) to each
    side. At most 1000 epochs are drawn, evenly spread.

    Args:
        path: where to write the PNG file.
        histories: one for each round, of equal length, with the metric ``error_rate``.
        title: the title above the panels.
        reported: errors to compare with; ``test_error`` is drawn as a dashed line.

    Raises:
        MissingExtraError: matplotlib is not installed.
        DataError: there is no epoch or no error rate, or the rounds differ in length.
        OutputError: the file cannot be written; nothing is left behind.

    >>> import tempfile
    >>> rates = enumerate([0.4, 0.2, 0.1], start=1)
    >>> history = History([Epoch(epoch, 1 / epoch, 0.1, 0.01, {"error_rate": rate}) for epoch, rate in rates])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     curves(f"{folder}/curves.png", [history], "Three epochs", reported={"test_error": 0.05}).name
    'curves.png'
    """
    rounds = _thinned(histories)
    figure = new_figure(title, 7.5, 7)
    upper, lower = figure.subplots(2, 1, sharex=True)
    _loss_panel(upper, rounds)
    _error_panel(lower, rounds, reported or {})
    figure.align_ylabels()
    return write_png(figure, path)


def _refuse_misfits(points: Tensor, true: Tensor, predicted: Tensor) -> None:
    if points.dim() != 2 or points.shape[1] != 2:
        raise ShapeError("true_and_predicted", points.shape, "expected points (N, 2)")
    for name, classes in (("true", true), ("predicted", predicted)):
        if classes.shape != points.shape[:1]:
            raise ShapeError(f"true_and_predicted, {name}", classes.shape, f"expected {tuple(points.shape[:1])}")


def _scatter(axes: Axes, points: Tensor, inside: Tensor) -> list[PathCollection]:
    drawn = []
    for chosen, colour in ((inside, INSIDE), (~inside, OUTSIDE)):
        x, y = points[chosen].T.numpy()
        drawn.append(axes.scatter(x, y, s=16, c=colour, linewidths=0, clip_on=False, zorder=2))
    return drawn


def _rings(axes: Axes, points: Tensor) -> PathCollection:
    x, y = points.T.numpy()
    return axes.scatter(x, y, s=60, facecolors="none", edgecolors=INK, linewidths=1.2, clip_on=False, zorder=3)


def _colours(figure: Figure, axes: Axes, surface: DecisionSurface, output: Tensor) -> None:
    """Draw the output as colours, the middle of the palette at the threshold, and the colour bar."""
    from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

    palette = LinearSegmentedColormap.from_list("output", [OUTSIDE, MIDDLE, INSIDE])
    norm = TwoSlopeNorm(surface.threshold, surface.low, surface.high)
    image = axes.imshow(output.numpy(), cmap=palette, norm=norm, extent=(0, 1, 0, 1), interpolation="nearest")
    bar = figure.colorbar(image, ax=axes, extend="both", shrink=0.85, pad=0.03)
    bar.set_label("output of the model", fontsize=LABEL, color=INK)
    bar.ax.tick_params(labelsize=SMALL, color=INK, labelcolor=INK)


def _level_line(axes: Axes, output: Tensor, level: float) -> Artist:
    """Draw the line along which the output has this level, and return a sample of it for the legend."""
    lines = axes.contour(output.numpy(), [level], colors=INK, linewidths=2, extent=(0, 1, 0, 1), origin="upper")
    handles, _ = lines.legend_elements()
    return handles[0]


def _thinned(histories: Sequence[History]) -> list[list[Epoch]]:
    """Return the epochs to draw, the same of each round, the first and the last included."""
    lengths = {len(history) for history in histories}
    if len(lengths) != 1 or 0 in lengths:
        raise DataError(f"curves needs rounds of equal length, at least one epoch; got lengths {sorted(lengths)}")
    if not all("error_rate" in history[0].train for history in histories):
        raise DataError("curves needs the metric error_rate; train with valid=..., or with metrics=(error_rate,)")
    (length,) = lengths
    chosen = torch.linspace(0, length - 1, min(length, MOST_POINTS)).round().int().tolist()
    return [[history[epoch] for epoch in chosen] for history in histories]


def _loss_panel(axes: Axes, rounds: list[list[Epoch]]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    losses = torch.tensor([[epoch.loss for epoch in epochs] for epochs in rounds], dtype=torch.float64)
    dress(axes, y="training loss")
    _band(axes, rounds, losses, INK, f"mean ± σ of {len(rounds)} rounds" if len(rounds) > 1 else "one round")
    if (losses > 0).any() and (losses >= 0).all():
        axes.set_yscale("log")
        axes.set_ylim(bottom=losses[losses > 0].min().item() / 1.2)  # a band may reach below zero
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    _explain(axes)


def _error_panel(axes: Axes, rounds: list[list[Epoch]], reported: Mapping[str, float]) -> None:
    dress(axes, x="epoch", y="error rate")
    for part, label, colour in (("train", "training points", OUTSIDE), ("valid", "test points", INSIDE)):
        if all("error_rate" in getattr(epochs[0], part) for epochs in rounds):
            rates = [[getattr(epoch, part)["error_rate"] for epoch in epochs] for epochs in rounds]
            _band(axes, rounds, torch.tensor(rates, dtype=torch.float64), colour, label)
    if "test_error" in reported:
        rate = reported["test_error"]
        axes.axhline(
            rate, color=INK, linestyle="dashed", linewidth=1.2, label=f"reported test error {100 * rate:.3g} %"
        )
    # Linear up to 1 %, so that an error of zero can be drawn, and logarithmic above, smooth between the two.
    axes.set_yscale("symlog", linthresh=0.01, linscale=0.9 / math.log(10))
    axes.set_yticks(ERROR_TICKS, [f"{100 * rate:g} %" for rate in ERROR_TICKS])
    axes.set_ylim(-0.001, 1)  # a line at zero stays visible above the frame
    _explain(axes)


def _band(axes: Axes, rounds: list[list[Epoch]], values: Tensor, colour: str, label: str) -> None:
    """Draw the mean over rounds as a line, and one standard deviation to each side of it as a band."""
    epochs = [epoch.epoch for epoch in rounds[0]]
    mean = values.mean(0)
    axes.plot(epochs, mean.numpy(), color=colour, linewidth=1.5, label=label)
    if len(values) > 1:
        low, high = mean - values.std(0), mean + values.std(0)
        axes.fill_between(epochs, low.numpy(), high.numpy(), color=colour, alpha=0.25, linewidth=0)


def _explain(axes: Axes) -> None:
    """Add a grid, ticks at whole epochs, and a legend."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color=FAINT, linewidth=0.6)
    axes.margins(x=0.02)
    axes.legend(fontsize=SMALL, frameon=False, labelcolor=INK, loc="upper right")
