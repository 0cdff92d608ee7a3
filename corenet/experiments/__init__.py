"""The seeds' experiments: what was reported, as files, and how to run them again."""

from __future__ import annotations

from corenet.experiments.run import Outcome, run
from corenet.experiments.schema import Experiment, Recipe, experiment, experiments

__all__ = ["Experiment", "Outcome", "Recipe", "experiment", "experiments", "run"]
