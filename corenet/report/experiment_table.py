"""What an experiment's rounds gave, beside what was reported: as a table, and as figures."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from corenet.experiments.run import Outcome, Round
from corenet.report.plots import figures
from corenet.report.plots.decision_surface import Surface

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("ID", "RECIPE", "TRAIN ERROR", "REPORTED", "TEST ERROR", "REPORTED", "MET", "TIME")


def rows(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """Return a row of text for each outcome, in the order of :data:`COLUMNS`."""
    return [_row(outcome) for outcome in outcomes]


def table(outcomes: Sequence[Outcome]) -> Table:
    """Return the rows as a table for the terminal."""
    from rich.box import SIMPLE
    from rich.table import Table

    made = Table(*COLUMNS, box=SIMPLE, padding=(0, 1, 0, 0))
    for row in rows(outcomes):
        made.add_row(*row, style="red" if row[6] == "no" and row[1] == "better" else None)
    return made


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the rows as a Markdown table."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows(outcomes)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    """Return what the figures were measured on: processor, Python and torch versions, date."""
    python, torch = platform.python_version(), version("torch")
    return f"{platform.machine()}, {_processor()}, Python {python}, torch {torch}, {date.today().isoformat()}"


def draw(outcome: Outcome, folder: Path) -> list[Path]:
    """Draw the seeds' figures of an outcome into ``folder`` and return their paths.

    True and predicted test points and the output over the square are those of the
    first round; the curves are of all rounds.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: ``folder`` cannot be written.
    """
    first = outcome.rounds[0]
    name = f"{outcome.experiment.id}-{outcome.recipe}"
    title = f"{outcome.experiment.id}, {outcome.recipe} recipe"
    one = f"{title}, round 1 of {len(outcome.rounds)}"
    points = _raw(first)
    inside = first.true()
    histories = [each.history for each in outcome.rounds]
    error = first.history[-1].valid["error_rate"]
    return [
        figures.true_and_predicted(
            folder / f"{name}-points.png", points, inside, first.predicted(points), f"{one}: test error {error:.1%}"
        ),
        figures.output_map(folder / f"{name}-map.png", surface(first), f"{one}: output of the network"),
        figures.curves(folder / f"{name}-curves.png", histories, title, outcome.experiment.reported),
    ]


def surface(round: Round) -> Surface:
    """Return the output of a trained round over the unit square, as one number a point."""
    targets = round.test.targets
    if targets.shape[1] > 1:
        return Surface(lambda points: _difference(round.output(points)), 0.0, -1.0, 1.0)
    low, high = targets.min().item(), targets.max().item()
    return Surface(lambda points: round.output(points)[:, 0], (low + high) / 2, low, high)


def _difference(output: Tensor) -> Tensor:
    return output[:, 1] - output[:, 0]


def _raw(round: Round) -> Tensor:
    inputs, by = round.test.inputs, round.statistics
    return inputs if by is None else inputs * by.std + by.mean


def _row(outcome: Outcome) -> tuple[str, ...]:
    reported = {name: f"{value:.3f}" for name, value in outcome.experiment.reported.items()}
    met = {True: "yes", False: "no", None: "–"}[outcome.met]
    seconds = outcome.seconds
    return (
        outcome.experiment.id,
        outcome.recipe,
        str(outcome.train_error),
        reported.get("train_error", "–"),
        str(outcome.test_error),
        reported.get("test_error", "–"),
        met,
        f"{seconds.mean:.1f} s",
    )


def _processor() -> str:
    """Return the processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
