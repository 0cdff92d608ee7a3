"""The student projects' experiments: recipes and reported errors as TOML files, and running them."""

from __future__ import annotations

from corenet.experiments.run import ExperimentResult, run
from corenet.experiments.schema import Experiment, Recipe, experiment, experiments

__all__ = ["Experiment", "ExperimentResult", "Recipe", "experiment", "experiments", "run"]
