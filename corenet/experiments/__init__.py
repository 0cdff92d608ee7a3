"""The student projects' experiments: recipes and reported errors as TOML files, and running them."""

from __future__ import annotations

from corenet.experiments.experiment import Experiment, Recipe, experiment, experiments
from corenet.experiments.run import ExperimentResult, run

__all__ = ["Experiment", "ExperimentResult", "Recipe", "experiment", "experiments", "run"]
