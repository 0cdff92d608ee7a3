"""Experiment files: what is trained on what; running one, and the folder that a training leaves; those that ship."""

from __future__ import annotations

from corenet.experiments.experiment import Experiment, Recipe, experiment, experiments
from corenet.experiments.run import ExperimentResult, run
from corenet.experiments.run_folder import RunFolder, run_folder
from corenet.experiments.train_run import train_run

__all__ = [
    "Experiment",
    "ExperimentResult",
    "Recipe",
    "RunFolder",
    "experiment",
    "experiments",
    "run",
    "run_folder",
    "train_run",
]
