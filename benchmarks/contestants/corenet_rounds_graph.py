"""corenet by ``cn.fit_rounds`` with steps launched as CUDA graphs; needs a CUDA device."""

from __future__ import annotations

from benchmarks.contestants import corenet_rounds


class Contestant(corenet_rounds.Contestant):
    engine = "graph"
