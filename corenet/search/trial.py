"""A trial: the experiment with other numbers, trained, and measured on the part that is looked at."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

from optuna import Trial, TrialPruned
from optuna.distributions import BaseDistribution

from corenet.contracts.callback import Callback, Training
from corenet.data import stream
from corenet.errors import ConfigError, NonFiniteError
from corenet.experiments.building import build, callbacks_of
from corenet.experiments.experiment import Experiment, Recipe, experiment
from corenet.experiments.parts import Parts, rounds_of
from corenet.search.accounts import REASON
from corenet.search.space import change, suggested
from corenet.training.asked_metrics import LOSS, named_apart, sign_of
from corenet.training.draws import drawing_from
from corenet.training.fit import fit
from corenet.training.measure import measure
from corenet.warning_kinds import AdviceWarning


@dataclass
class Objective:
    """What a search makes better: a metric on the part that is looked at, in the mean of the rounds.

    ``name`` is the path or id of an experiment file, ``changes`` hold for all trials, and ``params`` are tried. Trials
    that differ in numbers alone share their data, and what was compiled.
    """

    name: str
    changes: tuple[str, ...]
    params: Mapping[str, BaseDistribution]
    metric: str
    _data: tuple[object, list[Parts]] | None = None

    @property
    def direction(self) -> str:
        """Which way is better, in Optuna's words."""
        return "maximize" if sign_of(named_apart([self.metric])[self.metric]) > 0 else "minimize"

    def experiment(self, values: Mapping[str, Any] | None = None) -> Experiment:
        """Return the experiment, with the values of a trial."""
        tried = [change(name, self.params[name], value) for name, value in (values or {}).items()]
        return experiment(self.name, [*self.changes, *tried])

    def built(self, values: Mapping[str, Any]) -> None:
        """Build what a trial would train, so that an entry or a value that is none is refused.

        Raises:
            ConfigError: it is.
        """
        self.experiment()  # so that what is wrong below is due to the values
        try:
            chosen = self.experiment(values)
        except ConfigError as error:
            raise ConfigError(str(error).replace("--set", "--param", 1), name=error.name, value=error.value) from error
        build(chosen.better, self._parts(chosen.better, chosen)[0], chosen.folder)

    def __call__(self, trial: Trial) -> float:
        """Train, and return the metric.

        Raises:
            TrialPruned: it is worse than others so far, or not finite.
        """
        values = {name: suggested(trial, name, distribution) for name, distribution in self.params.items()}
        chosen = self.experiment(values)
        try:
            value = self.trained(chosen, trial)
        except NonFiniteError as error:
            raise _given_up(trial, str(error)) from error
        if math.isnan(value):
            raise _given_up(trial, f"{self.metric} is not a number")
        return value

    def trained(self, chosen: Experiment, trial: Trial | None = None) -> float:
        """Train the rounds of an experiment, and return the mean of the metric."""
        recipe, found = chosen.better, list[float]()
        for round, parts in enumerate(self._parts(recipe, chosen)):
            found.append(self._round(replace(recipe, seed=recipe.seed + round), parts, chosen, trial))
            if trial is not None and recipe.rounds > 1:
                trial.report(mean(found), round)
                if trial.should_prune():
                    raise TrialPruned
        return mean(found)

    def _round(self, recipe: Recipe, parts: Parts, chosen: Experiment, trial: Trial | None) -> float:
        if parts.valid is None:
            raise ConfigError(
                "a search looks at a part that is not learnt from; say data.valid = 0.2", name="data.valid"
            )
        with drawing_from(stream("weights", recipe.seed), parts.train.device):
            model, loss, optimizer = build(recipe, parts, chosen.folder)
        pruning = [Pruning(trial, f"valid_{self.metric}")] if trial is not None and recipe.rounds == 1 else []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AdviceWarning)  # a search tries what no advice would
            fit(
                model,
                loss,
                optimizer,
                parts.train,
                parts.valid,
                epochs=recipe.epochs,
                batch_size=recipe.batch_size,
                seed=recipe.seed,
                metrics=() if self.metric == LOSS else (self.metric,),
                callbacks=[*callbacks_of(recipe, parts), *pruning],
                engine=recipe.engine,  # type: ignore[arg-type]  # one of the engines, as was checked
                exchange_every=recipe.exchange_every,
                progress=False,
            )
        for each in pruning:
            each.raise_if_pruned()
        return float(measure(model, parts.valid, [self.metric], loss)[self.metric])

    def _parts(self, recipe: Recipe, chosen: Experiment) -> list[Parts]:
        """Return the data of the rounds, that of the last trial where it is the same."""
        key = (recipe.data, recipe.seed, recipe.rounds, recipe.device)
        if self._data is None or self._data[0] != key:
            self._data = (key, list(rounds_of(recipe, chosen.folder)))
        return self._data[1]


def _given_up(trial: Trial, reason: str) -> TrialPruned:
    trial.set_user_attr(REASON, reason)
    return TrialPruned(reason)


class Pruning(Callback):
    """Ends a training that the search gives up: it is asked after 8, 16, 32, … epochs, for each question takes time."""

    def __init__(self, trial: Trial, monitor: str) -> None:
        self._trial, self._monitor, self._next, self._is_pruned = trial, monitor, 8, False

    def after_epoch(self, training: Training) -> bool:
        if training.epoch == self._next:
            self._trial.report(training.numbers[self._monitor], training.epoch)
            self._next, self._is_pruned = 2 * self._next, bool(self._trial.should_prune())
        return self._is_pruned

    def raise_if_pruned(self) -> None:
        """Tell the search that it was given up."""
        if self._is_pruned:
            raise TrialPruned
