"""corenet in the user's own loop, spelled out as in the first page of its documentation."""

from __future__ import annotations

import numpy as np
import torch

import corenet as cn
from benchmarks.problem import Problem


class Contestant:
    def __init__(self, problem: Problem) -> None:
        self.settings = problem.settings
        torch.set_num_threads(self.settings.threads)
        data = cn.data.Dataset(torch.from_numpy(problem.inputs), torch.from_numpy(problem.targets))
        self.data = data.to(self.settings.device)
        self.model = network(problem, 0)
        self.loss = cn.MSELoss()
        self.optimizer = optimizer(self.model, problem)

    def step(self, input: torch.Tensor, target: torch.Tensor) -> object:
        self.optimizer.zero_grad()
        self.loss(self.model(input), target)
        self.model.backward(self.loss.backward())
        return self.optimizer.step()

    def train(self, epochs: int) -> dict[str, object] | None:
        for epoch in range(epochs):
            for input, target in self.data.batches(self.settings.batch_size, seed=0, epoch=epoch):
                self.step(input, target)
        if self.data.inputs.is_cuda:
            torch.cuda.synchronize()
        return None

    def weights(self) -> list[np.ndarray]:
        return [parameter.cpu().numpy()[None] for parameter in self.model.parameters()]


def network(problem: Problem, round: int) -> cn.Sequential:
    layers: list[cn.Module] = []
    for weight, bias in problem.first(round):
        linear = cn.Linear(weight.shape[1], weight.shape[0], dtype=torch.from_numpy(weight).dtype)
        linear.weight.copy_(torch.from_numpy(weight))
        linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, cn.ReLU()]
    return cn.Sequential(*layers[:-1]).to(problem.settings.device)


def optimizer(model: cn.Module, problem: Problem) -> cn.Optimizer:
    settings = problem.settings
    if settings.optimizer == "sgd":
        return cn.SGD(model.parameters(), lr=settings.lr, momentum=settings.momentum)
    return cn.Adam(model.parameters(), lr=settings.lr)
