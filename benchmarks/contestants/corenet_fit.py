"""corenet by ``cn.fit`` as it comes: the engine is its own choice."""

from __future__ import annotations

import torch

import corenet as cn
from benchmarks.contestants import corenet_loop


class Contestant(corenet_loop.Contestant):
    engine = "auto"

    def train(self, epochs: int) -> dict[str, object]:
        history = cn.fit(
            self.model,
            self.loss,
            self.optimizer,
            self.data,
            epochs=epochs,
            batch_size=self.settings.batch_size,
            seed=0,
            progress=False,
            engine=self.engine,
        )
        if self.data.inputs.is_cuda:
            torch.cuda.synchronize()
        return {"engine": history.engine, "epochs": [epoch.seconds for epoch in history]}
