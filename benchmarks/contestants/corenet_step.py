"""corenet in the user's own loop, by the step that ``cn.compile_step`` returns."""

from __future__ import annotations

import corenet as cn
from benchmarks.contestants import corenet_loop
from benchmarks.problem import Problem


class Contestant(corenet_loop.Contestant):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.step = cn.compile_step(self.model, self.loss, self.optimizer)

    def train(self, epochs: int) -> None:
        for epoch in range(epochs):
            for input, target in self.data.batches(self.settings.batch_size, seed=0, epoch=epoch):
                self.step(input, target)
