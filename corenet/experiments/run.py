"""Running an experiment: several rounds of one recipe, and their results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import mean, stdev
from typing import Any

import torch

from corenet.errors import ConfigError
from corenet.experiments.building import components_of
from corenet.experiments.experiment import Experiment, Recipe
from corenet.experiments.parts import rounds_of
from corenet.experiments.rounds import Round, trained
from corenet.integers import positive_integer
from corenet.training.asked_metrics import named_apart, sign_of
from corenet.training.coding import are_classes
from corenet.training.measure import measure


@dataclass(frozen=True)
class Measured:
    """A quantity measured in each round: mean and standard deviation (0 for a single round)."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the rounds."""
        return mean(self.values)

    @property
    def std(self) -> float:
        """The sample standard deviation over the rounds."""
        return stdev(self.values) if len(self.values) > 1 else 0.0

    def __str__(self) -> str:
        spread = f" ± {self.std:.3f}" if len(self.values) > 1 else ""
        return f"{self.mean:.3f}{spread}"


@dataclass(frozen=True)
class ExperimentResult:
    """The rounds of one recipe of an experiment, and the figures measured on each: ``test_error``, ``seconds``, …"""

    experiment: Experiment
    recipe: str
    rounds: tuple[Round, ...]
    figures: Mapping[str, Measured]

    @property
    def train_error(self) -> Measured:
        """The error rate on the training part."""
        return self.figures["train_error"]

    @property
    def test_error(self) -> Measured:
        """The error rate on the test part."""
        return self.figures["test_error"]

    @property
    def seconds(self) -> Measured:
        """The seconds of the steps of a round."""
        return self.figures["seconds"]

    @property
    def met(self) -> bool | None:
        """Whether the mean is as good as the reported figure, for each that is reported; None if none was."""
        reported = self.experiment.reported
        return all(map(self.meets, reported)) if reported else None

    def meets(self, figure: str) -> bool | None:
        """Return whether the mean of a figure is as good as the reported one; None if none was.

        Raises:
            ConfigError: a figure is reported that is not measured.
        """
        if figure not in self.experiment.reported:
            return None
        if figure not in self.figures:
            raise ConfigError(
                f"{self.experiment.id}: {figure} is reported and not measured; measured are {', '.join(self.figures)}",
                name=figure,
            )
        sign = _sign(figure)
        # A mean of fractions may differ from the reported decimal in its last binary digit.
        return sign * self.figures[figure].mean >= sign * self.experiment.reported[figure] - 1e-9

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON; errors are fractions, seconds are for one round."""
        return {
            "experiment": self.experiment.id,
            "recipe": self.recipe,
            "components": components_of(self.rounds[0].model, self.rounds[0].loss, self.rounds[0].optimizer),
            "reported": dict(self.experiment.reported),
            "measured": {
                name: {"mean": each.mean, "std": each.std, "rounds": list(each.values)}
                for name, each in self.figures.items()
            },
            "met": self.met,
        }


def run(
    experiment: Experiment,
    recipe: str = "better",
    *,
    rounds: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    progress: bool | None = False,
    workers: int = 1,
) -> ExperimentResult:
    """Train the rounds of a recipe, each on its own data, and measure each on the part kept for testing.

    Round r draws its data, weights and batches from ``seed + r``. The test part only measures: nothing is selected by
    it. ``rounds``, ``seed`` and ``device`` stand for those of the recipe; ``workers`` processes share the rounds.

    Raises:
        ConfigError: ``recipe`` is neither ``reported`` nor ``better``, or a component does not accept its arguments.
        UnknownComponentError: the recipe names a component that is not installed.

    >>> from corenet.experiments import experiment
    >>> short = experiment("003a", ["epochs=2"])
    >>> result = run(short, rounds=2)
    >>> len(result.rounds), result.met
    (2, False)
    """
    if recipe not in experiment.recipes:
        raise ConfigError(f"recipe must be 'reported' or 'better', not {recipe!r}", name="recipe", value=recipe)
    asked: dict[str, Any] = {"rounds": rounds, "seed": seed, "device": device}
    chosen = replace(experiment.recipes[recipe], **{name: value for name, value in asked.items() if value is not None})
    positive_integer("rounds", chosen.rounds)
    if chosen.exchange_every > 1:
        text = f"exchange_every={chosen.exchange_every} is for several processes, and this is done by one"
        raise ConfigError(f"{text}: torchrun -m corenet train", name="exchange_every", value=chosen.exchange_every)
    with _one_thread():
        done = trained(chosen, list(rounds_of(chosen, experiment.folder)), experiment, progress, workers)
        return ExperimentResult(experiment, recipe, tuple(done), _figures(chosen, done))


def metrics_of(recipe: Recipe, round: Round) -> Sequence[str]:
    """Return what is measured: what the recipe says, or the error rate of classes and R² of values."""
    if recipe.metrics is not None:
        return recipe.metrics
    return ("error_rate",) if are_classes(round.parts.train.targets, loss=round.loss) else ("r2",)


def _figures(recipe: Recipe, rounds: Sequence[Round]) -> dict[str, Measured]:
    """Return each metric on the training and the test part, and the seconds, over the rounds."""
    found: dict[str, list[float]] = {}
    for round in rounds:
        for part in ("train", "test"):
            data = getattr(round.parts, part)
            measured = {} if data is None else measure(round.model, data, metrics_of(recipe, round), round.loss)
            for metric, value in measured.items():
                if isinstance(value, float):
                    found.setdefault(f"{part}_{metric.removesuffix('_rate')}", []).append(value)
        found.setdefault("seconds", []).append(round.history.seconds)
    return {name: Measured(tuple(values)) for name, values in found.items()}


def _sign(figure: str) -> int:
    """Return 1 if a larger figure is better, -1 if a smaller one is."""
    metric = figure.partition("_")[2]
    name = f"{metric}_rate" if metric == "error" else metric
    return sign_of(named_apart([name])[name]) or -1


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute with one thread: networks this small gain nothing from a second, and wait for it on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
