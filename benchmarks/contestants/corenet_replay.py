"""corenet by ``cn.fit`` with recorded steps, replayed without Python in between."""

from __future__ import annotations

from benchmarks.contestants import corenet_fit


class Contestant(corenet_fit.Contestant):
    engine = "replay"
