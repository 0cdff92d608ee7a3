"""corenet in the user's own loop, by the step that ``cn.compile_step`` returns."""

from __future__ import annotations

import torch

import corenet as cn
from benchmarks.contestants import corenet_loop
from benchmarks.problem import Problem


class Contestant(corenet_loop.Contestant):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self._quick = cn.compile_step(self.model, self.loss, self.optimizer)

    def step(self, input: torch.Tensor, target: torch.Tensor) -> object:
        return self._quick(input, target)
