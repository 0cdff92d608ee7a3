"""PyTorch with network and loss under ``torch.compile``."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.contestants import torch_fused
from benchmarks.problem import Problem


class Contestant(torch_fused.Contestant):
    mode: str | None = None

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.value = torch.compile(lambda x, target: self.loss(self.model(x), target), mode=self.mode)

    def step(self, input: Tensor, target: Tensor) -> None:
        self.optimizer.zero_grad()
        self.value(input, target).backward()
        self.optimizer.step()
