"""A model of the step of N ranks: the gradients of each one's rows, and an exchange.

    T(N) = o + B / N · c + E(N) / K

with B rows in a batch, c seconds of a row and o of a step beside its rows, and an exchange every K steps. What is small
is sent to all at once, b bytes to each of N − 1 at r bytes a second, and takes one turn of a seconds. The rest goes
round a ring, as gloo does, in 2 (N − 1) turns of g seconds, in which every rank sends 2 (N − 1) / N of its bytes
(Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations", J. Parallel Distrib.
Comput. 69, 2009):

    E(N) = a + (N − 1) · b / r,   or   2 (N − 1) · g + 2 (N − 1) / N · b / r
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from corenet.training.ranks.directly import SENT

Timed = tuple[int, float]  # bytes, and the seconds in which two ranks exchanged them


@dataclass(frozen=True)
class Link:
    """What joins the ranks: seconds of the turn to all (a) and of one in a ring (g), and bytes a second (r)."""

    turn: float
    of_ring: float
    rate: float

    @classmethod
    def between_two(cls, small: Timed, large: Timed, largest: Timed) -> Self:
        """Return the link of two ranks, by what is sent to all, and two that go round a ring: E(2) = 2 g + b / r.

        >>> Link.between_two((0, 0.003), (1000000, 0.004), (2000000, 0.005))
        Link(turn=0.003, of_ring=0.0015, rate=1000000000.0)
        """
        rate = (largest[0] - large[0]) / max(1e-12, largest[1] - large[1])
        return cls(small[1] - small[0] / rate, max(0.0, large[1] - large[0] / rate) / 2, rate)

    def exchange(self, ranks: int, size: int) -> float:
        """Return the seconds E(N) of an exchange.

        >>> link = Link(turn=0.003, of_ring=0.001, rate=1e6)
        >>> link.exchange(1, 1000), link.exchange(2, 1000), link.exchange(2, 10**6)
        (0.0, 0.004, 1.002)
        """
        others = ranks - 1
        if not others:
            return 0.0
        if others * size <= SENT:
            return self.turn + others * size / self.rate
        return 2 * others * self.of_ring + 2 * others / ranks * size / self.rate


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
