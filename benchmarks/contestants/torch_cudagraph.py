"""PyTorch with network and loss under ``torch.compile``, its kernels launched as CUDA graphs."""

from __future__ import annotations

from benchmarks.contestants import torch_compile


class Contestant(torch_compile.Contestant):
    mode = "reduce-overhead"
