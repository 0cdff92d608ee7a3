"""corenet by ``cn.fit`` with compiled steps, however few they are."""

from __future__ import annotations

from benchmarks.contestants import corenet_fit


class Contestant(corenet_fit.Contestant):
    engine = "compiled"
