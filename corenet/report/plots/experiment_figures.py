"""The figures of an experiment: its test points, the output over the unit square, and the curves of training."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from corenet.experiments.rounds import Round
from corenet.experiments.run import ExperimentResult
from corenet.report.plots import figures
from corenet.report.plots.decision_surface import DecisionSurface


def draw_figures(result: ExperimentResult, folder: Path) -> list[Path]:
    """Draw the figures of a result into ``folder`` and return their paths.

    True and predicted test points and the output over the square are those of the
    first round, and drawn of points of the disk alone; the curves of loss and error are of all rounds, and not drawn
    where rounds stopped at different epochs, or the targets are no classes.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OutputError: ``folder`` cannot be written.
    """
    first = result.rounds[0]
    name = f"{result.experiment.id}-{result.recipe}".replace(":", "-")
    title = f"{result.experiment.id}, {result.recipe} recipe"
    one = f"{title}, round 1 of {len(result.rounds)}"
    histories = [each.history for each in result.rounds]
    drawn = []
    if result.experiment.recipes[result.recipe].data.get("draw") == "disk":
        points, inside, error = _raw(first), first.true(), result.test_error.values[0]
        rated = f"{one}: test error {error:.1%}"
        drawn = [
            figures.true_and_predicted(folder / f"{name}-points.png", points, inside, first.predicted(points), rated),
            figures.output_map(folder / f"{name}-map.png", surface_of(first), f"{one}: output of the network"),
        ]
    if len(set(map(len, histories))) == 1 and all("error_rate" in each[0].train for each in histories):
        drawn.append(figures.curves(folder / f"{name}-curves.png", histories, title, result.experiment.reported))
    return drawn


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
