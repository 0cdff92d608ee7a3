"""PyTorch with the fused optimizer, its fastest without a compiler."""

from __future__ import annotations

import torch

from benchmarks.contestants import torch_eager


class Contestant(torch_eager.Contestant):
    def make_optimizer(self, **options: bool) -> torch.optim.Optimizer:
        return super().make_optimizer(fused=True)
