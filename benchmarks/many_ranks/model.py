"""A model of the step of N ranks: the gradients of each one's rows, and an exchange.

    T(N) = o + B / N · c + E(N) / K,        E(N) = 2 (N − 1) · a + 2 (N − 1) / N · b / r

with B rows in a batch, c seconds of a row and o of a step beside its rows, and an exchange of b bytes every K steps. It
goes round a ring in 2 (N − 1) turns of a seconds each, in which every rank sends 2 (N − 1) / N of its bytes at r bytes
a second, as gloo does (Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations",
J. Parallel Distrib. Comput. 69, 2009).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Link:
    """What joins the ranks: seconds of a turn (a), and bytes a second (r)."""

    turn: float
    rate: float

    @classmethod
    def between_two(cls, small: tuple[int, float], large: tuple[int, float]) -> Self:
        """Return the link by which two ranks exchange so many bytes in so many seconds: E(2) = 2 a + b / r.

        >>> Link.between_two((0, 0.002), (1000, 0.003))
        Link(turn=0.001, rate=1000000.0)
        """
        rate = (large[0] - small[0]) / max(1e-12, large[1] - small[1])
        return cls((small[1] - small[0] / rate) / 2, rate)

    def exchange(self, ranks: int, size: int) -> float:
        """Return the seconds E(N) of an exchange.

        >>> Link(turn=1e-3, rate=1e6).exchange(2, 1000), Link(turn=1e-3, rate=1e6).exchange(1, 1000)
        (0.003, 0.0)
        """
        turns = 2 * (ranks - 1)
        return turns * self.turn + turns / ranks * size / self.rate


@dataclass(frozen=True)
class Steps:
    """What one rank takes: seconds of a step beside its rows (o), and of a row (c)."""

    step: float
    row: float

    @classmethod
    def between(cls, few: tuple[int, float], more: tuple[int, float]) -> Self:
        """Return it from the steps on few and on more rows.

        >>> Steps.between((10, 2.0), (20, 3.0))
        Steps(step=1.0, row=0.1)
        """
        row = max(0.0, (more[1] - few[1]) / (more[0] - few[0]))
        return cls(max(0.0, few[1] - few[0] * row), row)

    def seconds(self, ranks: int, rows: int, exchange: float, every: int = 1) -> float:
        """Return the seconds T(N) of a step of a batch of so many rows.

        >>> Steps(step=1.0, row=0.1).seconds(2, 20, exchange=4.0, every=8)
        2.5
        """
        return self.step + rows / ranks * self.row + exchange / every

    def efficiency(self, ranks: int, rows: int, exchange: float, every: int = 1) -> float:
        """Return how many times as fast as one rank they are, divided by their number.

        >>> Steps(step=0.0, row=0.1).efficiency(4, 100, exchange=0.0)
        1.0
        """
        return self.seconds(1, rows, 0.0) / self.seconds(ranks, rows, exchange, every) / ranks
