"""Whether an epoch stays as long as the first: over ten thousand of them, and over more and more points."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import linear_regression, median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.drawing import draw as draw_problem
from benchmarks.figure import lines
from benchmarks.problem import Settings
from benchmarks.process import Process
from benchmarks.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EPOCHS = 10_000
PARTS = 20
POINTS = (1000, 2000, 4000, 8000, 16000, 32000, 64000)
CONTESTANT = "corenet_fit"


def run(seconds: float, device: str) -> Report:
    report = Report("growth", "Growth with epochs and points", draw=draw)
    with TemporaryDirectory() as folder:
        report.measured["epochs"] = _over_epochs(Path(folder), seconds, device)
        report.measured["points"] = _over_points(Path(folder), device)
    report.notes += [_epochs_in_words(**report.measured["epochs"]), _points_in_words(**report.measured["points"])]
    return report


def _over_epochs(folder: Path, seconds: float, device: str) -> dict[str, object]:
    """Train once for as many epochs as fit into ``seconds``, 10,000 at most; return the medians of twenty parts."""
    with _started(folder, Settings(epochs=2), device) as process:
        count = int(min(EPOCHS, max(PARTS, 100 * seconds / process.run(100)["wall"])))
        before = process.memory()["present"]
        each = process.run(count)["epochs"]
        grown = process.memory()["present"] - before
    parts = [median(part) for part in np.array_split(np.array(each), PARTS)]
    return {"count": count, "epoch_seconds": parts, "grown_bytes": grown}


def _over_points(folder: Path, device: str) -> dict[str, object]:
    """Return the seconds of an epoch of more and more points."""
    found = []
    for points in POINTS:
        with _started(folder, Settings(points=points, epochs=2), device) as process:
            found.append(median(process.run(max(4, 64000 // points))["epochs"]))
    return {"points": list(POINTS), "epoch_seconds": found}


def _started(folder: Path, settings: Settings, device: str) -> Process:
    path = folder / "problem.npz"
    draw_problem(settings).write(path)
    process = Process(CONTESTANT, settings.threads, device)
    process.prepare(path, device=device)
    process.run(2)
    return process


def _epochs_in_words(count: int, epoch_seconds: Sequence[float], grown_bytes: int) -> str:
    first, last = epoch_seconds[0], epoch_seconds[-1]
    return (
        f"Over {count:,} epochs an epoch went from {1e3 * first:.3f} to {1e3 * last:.3f} ms, {last / first:.2f} times, "
        f"and the process grew by {grown_bytes / 1e6:.1f} MB, the history included."
    )


def _points_in_words(points: Sequence[int], epoch_seconds: Sequence[float]) -> str:
    exponent = linear_regression(np.log(points), np.log(epoch_seconds)).slope
    return f"From {points[0]:,} to {points[-1]:,} points the time of an epoch grows as points^{exponent:.2f}."


def draw(report: Report) -> Figure:
    epochs, points = report.measured["epochs"], report.measured["points"]
    middles = (np.arange(PARTS) + 0.5) * epochs["count"] / PARTS
    panels = {
        "epoch": {CONTESTANT: (middles, [1e3 * value for value in epochs["epoch_seconds"]])},
        "points": {CONTESTANT: (points["points"], [1e3 * value for value in points["epoch_seconds"]])},
    }
    return lines(panels, report.title, "ms an epoch")
