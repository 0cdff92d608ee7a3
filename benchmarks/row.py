"""What was measured of one contestant, and when it has earned back its start-up."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass
class Row:
    """One contestant in one problem; ``skipped`` says why there is nothing to report.

    ``cpu`` and ``wall`` have the seconds of a step in each chunk (a model-step, where many
    rounds are trained at once).
    """

    contestant: str
    problem: str
    skipped: str = ""
    import_seconds: float = 0.0
    first_seconds: float = 0.0
    first_steps: int = 0
    error: float = 0.0  # of the weights after the first steps
    later_error: float = 0.0  # and after a chunk more
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    peak_bytes: int = 0
    engine: str | None = None
    threads: int = 1

    @property
    def step_seconds(self) -> float:
        """The median of a step: processor time on one thread, which a busy neighbour leaves alone, else the clock's."""
        return median(self.cpu if self.threads == 1 else self.wall)

    @property
    def cores(self) -> float:
        """How many cores were really used: less than the threads means that neighbours were busy."""
        return median(self.cpu) / median(self.wall)

    @property
    def startup_seconds(self) -> float:
        """What comes before the steady state: the import, and what the first steps cost beyond the others."""
        return self.import_seconds + max(0.0, self.first_seconds - self.first_steps * self.step_seconds)

    def break_even(self, other: Row) -> float | None:
        """Return the number of steps from which this is ahead of ``other``: 0 at once, None never."""
        gain = other.step_seconds - self.step_seconds
        debt = self.startup_seconds - other.startup_seconds
        if gain <= 0:
            return None
        return max(0.0, debt / gain)

    def to_dict(self) -> dict[str, Any]:
        medians = {} if not self.wall else {"step_seconds": self.step_seconds, "cores": self.cores}
        if medians:
            medians["startup_seconds"] = self.startup_seconds
        return asdict(self) | medians
