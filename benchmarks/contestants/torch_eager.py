"""PyTorch as most write it: torch.nn, autograd, torch.optim; batches are slices of tensors, without a DataLoader."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.problem import Problem


class Contestant:
    def __init__(self, problem: Problem, round: int = 0) -> None:
        self.settings = problem.settings
        torch.set_num_threads(self.settings.threads)
        self.device = torch.device(self.settings.device)
        self.inputs = torch.from_numpy(problem.inputs).to(self.device)
        self.targets = torch.from_numpy(problem.targets).to(self.device)
        self.orders = torch.from_numpy(problem.orders[round]).long().to(self.device)
        self.model = network(problem, round).to(self.device)
        self.loss = nn.MSELoss()
        self.optimizer = self.make_optimizer()

    def make_optimizer(self, **options: bool) -> torch.optim.Optimizer:
        settings = self.settings
        if settings.optimizer == "adam":
            return torch.optim.Adam(self.model.parameters(), lr=settings.lr, **options)
        return torch.optim.SGD(self.model.parameters(), lr=settings.lr, momentum=settings.momentum, **options)

    def step(self, input: Tensor, target: Tensor) -> None:
        self.optimizer.zero_grad()
        self.loss(self.model(input), target).backward()
        self.optimizer.step()

    def train(self, epochs: int) -> None:
        size = self.settings.batch_size
        for order in self.orders[:epochs]:
            inputs, targets = self.inputs[order].split(size), self.targets[order].split(size)
            for input, target in zip(inputs, targets, strict=True):
                self.step(input, target)
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def weights(self) -> list[np.ndarray]:
        return [parameter.detach().cpu().numpy()[None] for parameter in self.model.parameters()]


def network(problem: Problem, round: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for weight, bias in problem.first(round):
        linear = nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.from_numpy(weight).dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
