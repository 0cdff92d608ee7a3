"""PyTorch with network and loss under ``torch.compile``; with CUDA graphs where there is a card."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.contestants import torch_fused
from benchmarks.problem import Problem


class Contestant(torch_fused.Contestant):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        mode = "reduce-overhead" if self.device.type == "cuda" else None
        self.value = torch.compile(lambda x, target: self.loss(self.model(x), target), mode=mode)

    def step(self, input: Tensor, target: Tensor) -> None:
        self.optimizer.zero_grad()
        self.value(input, target).backward()
        self.optimizer.step()
