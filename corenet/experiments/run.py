"""Running an experiment: several rounds of one recipe, and their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any, TypeVar

import torch
from torch import Tensor

from corenet.contracts.loss import Loss
from corenet.contracts.module import Module
from corenet.contracts.optimizer import Optimizer
from corenet.contracts.sequential import Sequential
from corenet.data import Dataset, Statistics, disk
from corenet.errors import ConfigError, CorenetError
from corenet.experiments.schema import Experiment, Recipe
from corenet.history import History
from corenet.registry.registry import get, registry
from corenet.training.metrics import classes, error_rate, predict
from corenet.training.rounds import fit_rounds

POINTS = 1000

T = TypeVar("T")


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
class Round:
    """One trained model, its history, the statistics that normalised its data, and its test points."""

    model: Module
    history: History
    statistics: Statistics | None
    test: Dataset

    def output(self, points: Tensor) -> Tensor:
        """Return the model's output at raw points ``(N, 2)``, one row a point."""
        points = points.to(self.test.inputs.device)
        return predict(self.model, points if self.statistics is None else self.statistics.normalize(points))

    def true(self) -> Tensor:
        """Return for each test point whether it is inside the disk."""
        return classes(self.test.targets, self.test.targets).reshape(-1).bool()

    def predicted(self, points: Tensor) -> Tensor:
        """Return for each raw point whether the model puts it inside the disk."""
        return classes(self.output(points), self.test.targets).reshape(-1).bool()


@dataclass(frozen=True)
class ExperimentResult:
    """The errors and times of the rounds of one recipe of an experiment."""

    experiment: Experiment
    recipe: str
    rounds: tuple[Round, ...]
    train_error: Measured
    test_error: Measured
    seconds: Measured

    @property
    def met(self) -> bool | None:
        """Whether the mean is at most the reported error, for each error reported; None if none was."""
        reported = self.experiment.reported
        if not reported:
            return None
        measured = {"train_error": self.train_error, "test_error": self.test_error}
        # A mean of fractions may differ from the reported decimal in its last binary digit.
        return all(measured[name].mean <= value + 1e-9 for name, value in reported.items())

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values, for JSON; errors are fractions, seconds are for one round."""
        quantities = {"train_error": self.train_error, "test_error": self.test_error, "seconds": self.seconds}
        measured = {
            name: {"mean": each.mean, "std": each.std, "rounds": list(each.values)} for name, each in quantities.items()
        }
        return {
            "experiment": self.experiment.id,
            "recipe": self.recipe,
            "components": components_of(self.experiment.recipes[self.recipe]),
            "reported": dict(self.experiment.reported),
            "measured": measured,
            "met": self.met,
        }


def run(
    experiment: Experiment,
    recipe: str = "better",
    *,
    rounds: int = 1,
    seed: int = 0,
    device: str = "cpu",
    progress: bool | None = False,
) -> ExperimentResult:
    """Train ``rounds`` networks, each on its own 1000 points, and test each on 1000 fresh ones.

    Round r draws its data, weights and batches from ``seed + r``; dropout draws from one stream for
    all rounds. The test points only measure: nothing is selected by them.

    Raises:
        ConfigError: ``recipe`` is neither ``reported`` nor ``better``, or a component does not accept its arguments.
        UnknownComponentError: the recipe names a component that is not installed.

    >>> from dataclasses import replace
    >>> from corenet.experiments import experiment
    >>> short = experiment("003a")
    >>> short = replace(short, better=replace(short.better, epochs=2))
    >>> result = run(short, rounds=2)
    >>> len(result.rounds), result.met
    (2, False)
    """
    if recipe not in experiment.recipes:
        raise ConfigError(f"recipe must be 'reported' or 'better', not {recipe!r}", name="recipe", value=recipe)
    chosen = experiment.recipes[recipe]
    data = [data_of(chosen, seed + each, device) for each in range(rounds)]
    with _one_thread():
        trained = fit_rounds(
            lambda _: build(chosen, device),
            [train for train, _, _ in data],
            [test for _, test, _ in data],
            rounds=rounds,
            epochs=chosen.epochs,
            batch_size=chosen.batch_size,
            seed=seed,
            metrics=(error_rate,),
            progress=progress,
        )
    return ExperimentResult(
        experiment,
        recipe,
        tuple(
            Round(model, history, statistics, test)
            for (model, history), (_, test, statistics) in zip(trained, data, strict=True)
        ),
        Measured(tuple(history[-1].train["error_rate"] for _, history in trained)),
        Measured(tuple(history[-1].valid["error_rate"] for _, history in trained)),
        Measured(tuple(history.seconds for _, history in trained)),
    )


def build(recipe: Recipe, device: str = "cpu") -> tuple[Module, Loss, Optimizer]:
    """Return the model, loss and optimizer of a recipe, the weights drawn from torch's generator.

    Raises:
        ConfigError: a component does not accept the arguments of the recipe.
    """
    model = Sequential(*(_module(entry) for entry in recipe.modules)).to(device=device)
    loss = _call(recipe.loss, get("loss", recipe.loss))
    settings = {name: value for name, value in recipe.optimizer.items() if name != "name"}
    name = recipe.optimizer["name"]
    optimizer = _call(name, get("optimizer", name), model.parameters(), **settings)
    return model, loss, optimizer


def data_of(recipe: Recipe, seed: int, device: str = "cpu") -> tuple[Dataset, Dataset, Statistics | None]:
    """Return 1000 training points, 1000 test points, and the training statistics that normalise both, if any do.

    >>> from corenet.experiments import experiment
    >>> train, test, statistics = data_of(experiment("003a").recipe, seed=0)
    >>> train, statistics is None
    (Dataset(1000 points, (2,) → (1,)), True)
    """
    train, test = (
        Dataset(points.inputs, _coded(points.targets, recipe.targets)).to(device=device)
        for points in (disk(POINTS, 2 * seed), disk(POINTS, 2 * seed + 1))
    )
    if not recipe.normalized:
        return train, test, None
    statistics = train.statistics()
    return train.normalized(statistics), test.normalized(statistics), statistics


def components_of(recipe: Recipe) -> list[dict[str, str]]:
    """Return the kind, the qualified name and the version of each component that a recipe names.

    >>> from corenet.experiments import experiment
    >>> components_of(experiment("003a").recipe)[0]
    {'kind': 'module', 'name': 'corenet:linear', 'version': '0.2.0'}
    """
    named = [("module", name) for name, *_ in recipe.modules]
    named += [("loss", recipe.loss), ("optimizer", recipe.optimizer["name"])]
    rows = dict.fromkeys(registry().find(kind, name) for kind, name in named)
    return [{"kind": row.kind, "name": row.qualified_name, "version": row.version} for row in rows]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute with one thread: networks this small gain nothing from a second, and wait for it on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _module(entry: list[Any]) -> Module:
    name, *arguments = entry
    settings = arguments.pop() if arguments and isinstance(arguments[-1], dict) else {}
    return _call(name, get("module", name), *arguments, **settings)


def _call(name: str, build: Callable[..., T], *arguments: Any, **settings: Any) -> T:
    try:
        return build(*arguments, **settings)
    except CorenetError:
        raise
    except TypeError as error:
        raise ConfigError(f"{name}: {error}", name=name) from error


def _coded(targets: Tensor, coding: str) -> Tensor:
    if coding == "sign":
        return 2 * targets - 1
    if coding == "one_hot":
        return torch.cat([1 - targets, targets], 1)
    return targets
