"""corenet by ``cn.fit_rounds``: every round a network of its own."""

from __future__ import annotations

import numpy as np
import torch

import corenet as cn
from benchmarks.contestants.corenet_loop import network, optimizer
from benchmarks.problem import Problem
from corenet.training.engines.select import EngineName


class Contestant:
    engine: EngineName = "auto"

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        torch.set_num_threads(problem.settings.threads)
        data = cn.data.Dataset(torch.from_numpy(problem.inputs), torch.from_numpy(problem.targets))
        self.data = data.to(problem.settings.device)
        self.trained: list[cn.Module] = []

    def factory(self, round: int) -> tuple[cn.Module, cn.Loss, cn.Optimizer]:
        model = network(self.problem, round)
        return model, cn.MSELoss(), optimizer(model, self.problem)

    def train(self, epochs: int) -> dict[str, object]:
        settings = self.problem.settings
        results = cn.fit_rounds(
            self.factory,
            self.data,
            rounds=settings.rounds,
            epochs=epochs,
            batch_size=settings.batch_size,
            seed=0,
            progress=False,
            engine=self.engine,
        )
        if self.data.inputs.is_cuda:
            torch.cuda.synchronize()
        self.trained = [model for model, _ in results]
        return {"rounds": settings.rounds, "engine": results[0][1].engine}

    def weights(self) -> list[np.ndarray]:
        each = ([parameter.cpu().numpy() for parameter in model.parameters()] for model in self.trained)
        return [np.stack(arrays) for arrays in zip(*each, strict=True)]
