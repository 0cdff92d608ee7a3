"""The figures of an experiment: its test points, the output over the unit square, and the curves of training."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from corenet.experiments.run import ExperimentResult, Round
from corenet.report.plots import figures
from corenet.report.plots.decision_surface import DecisionSurface


def draw_figures(result: ExperimentResult, folder: Path) -> list[Path]:
    """Draw the three figures of a result into ``folder`` and return their paths.

    True and predicted test points and the output over the square are those of the
    first round; the curves are of all rounds.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: ``folder`` cannot be written.
    """
    first = result.rounds[0]
    name = f"{result.experiment.id}-{result.recipe}"
    title = f"{result.experiment.id}, {result.recipe} recipe"
    one = f"{title}, round 1 of {len(result.rounds)}"
    points = _raw(first)
    inside = first.true()
    histories = [each.history for each in result.rounds]
    error = first.history[-1].valid["error_rate"]
    return [
        figures.true_and_predicted(
            folder / f"{name}-points.png", points, inside, first.predicted(points), f"{one}: test error {error:.1%}"
        ),
        figures.output_map(folder / f"{name}-map.png", surface_of(first), f"{one}: output of the network"),
        figures.curves(folder / f"{name}-curves.png", histories, title, result.experiment.reported),
    ]


def surface_of(round: Round) -> DecisionSurface:
    """Return the output of a trained round over the unit square, as one number a point."""
    targets = round.test.targets
    if targets.shape[1] > 1:
        return DecisionSurface(lambda points: _difference(round.output(points)), 0.0, -1.0, 1.0)
    low, high = targets.min().item(), targets.max().item()
    return DecisionSurface(lambda points: round.output(points)[:, 0], (low + high) / 2, low, high)


def _difference(output: Tensor) -> Tensor:
    return output[:, 1] - output[:, 0]


def _raw(round: Round) -> Tensor:
    inputs: Tensor = round.test.inputs
    by = round.parts.statistics
    return inputs if by is None else inputs * by.std + by.mean
