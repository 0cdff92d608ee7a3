"""corenet by ``cn.fit`` as it comes: the engine is its own choice."""

from __future__ import annotations

from inspect import signature

import torch

import corenet as cn
from benchmarks.contestants import corenet_loop


class Contestant(corenet_loop.Contestant):
    engine = "auto"

    def train(self, epochs: int) -> dict[str, object]:
        options = {"engine": self.engine} if "engine" in signature(cn.fit).parameters else {}
        history = cn.fit(
            self.model,
            self.loss,
            self.optimizer,
            self.data,
            epochs=epochs,
            batch_size=self.settings.batch_size,
            seed=0,
            progress=False,
            **options,
        )
        if self.data.inputs.is_cuda:
            torch.cuda.synchronize()
        return {"engine": getattr(history, "engine", None), "epochs": [epoch.seconds for epoch in history]}
