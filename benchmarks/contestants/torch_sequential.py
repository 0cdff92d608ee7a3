"""Many rounds as PyTorch's users train them: one after the other.

The time of a model-step does not depend on how many there are, so at most ten rounds are trained.
"""

from __future__ import annotations

import numpy as np

from benchmarks.contestants import torch_eager
from benchmarks.problem import Problem

MOST = 10


class Contestant:
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.rounds = min(problem.settings.rounds, MOST)
        self.trained: list[torch_eager.Contestant] = []

    def train(self, epochs: int) -> dict[str, int]:
        self.trained = [torch_eager.Contestant(self.problem, round) for round in range(self.rounds)]
        for each in self.trained:
            each.train(epochs)
        return {"rounds": self.rounds}

    def weights(self) -> list[np.ndarray]:
        return [np.concatenate(arrays) for arrays in zip(*(each.weights() for each in self.trained), strict=True)]
