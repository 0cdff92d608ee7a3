"""corenet by ``cn.fit`` with steps launched as CUDA graphs; needs a CUDA device."""

from __future__ import annotations

from benchmarks.contestants import corenet_fit


class Contestant(corenet_fit.Contestant):
    engine = "graph"
