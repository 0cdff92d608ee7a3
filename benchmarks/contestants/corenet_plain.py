"""corenet by ``cn.fit`` held to the plain step, the specification."""

from __future__ import annotations

from benchmarks.contestants import corenet_fit


class Contestant(corenet_fit.Contestant):
    engine = "plain"
