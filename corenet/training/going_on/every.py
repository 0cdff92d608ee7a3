"""How often a training is saved: after so many epochs, steps, or so much time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from time import monotonic

from corenet.errors import ConfigError

EVERY = "60 seconds"
SECONDS = {"second": 1, "minute": 60, "hour": 3600}
FORM = re.compile(r"(\d{1,9}(?:\.\d{1,6})?) (epoch|step|second|minute|hour)s?")


@dataclass
class Every:
    """Tells when a training is to be saved again.

    >>> due = Every.of("2 epochs")
    >>> [due.is_due(epochs, steps=9 * epochs) for epochs in (1, 2)]
    [False, True]
    """

    amount: float
    unit: str
    _epochs: int = 0
    _steps: int = 0
    _time: float = 0.0

    @classmethod
    def of(cls, every: object) -> Every:
        """Return what is meant by a number of epochs, or by text such as ``"500 steps"`` or ``"10 minutes"``.

        Raises:
            ConfigError: nothing is.
        """
        text = f"{every} epochs" if isinstance(every, int) and not isinstance(every, bool) else every
        found = FORM.fullmatch(text) if isinstance(text, str) else None
        whole = found is not None and (found[2] in SECONDS or "." not in found[1])
        if found is None or not whole or float(found[1]) <= 0:
            raise ConfigError(
                f"every must be a number of epochs, or such as '500 steps' or '10 minutes', not {every!r:.80}",
                name="every",
                value=every,
            )
        return cls(float(found[1]) * SECONDS.get(found[2], 1), found[2], _time=monotonic())

    def is_due(self, epochs: int, steps: int) -> bool:
        """Tell whether so much was done since it was saved; ``steps`` and ``epochs`` are those of this process."""
        if self.unit in SECONDS:
            return monotonic() - self._time >= self.amount
        return (epochs - self._epochs if self.unit == "epoch" else steps - self._steps) >= self.amount

    def saved(self, epochs: int, steps: int) -> None:
        """Begin to count anew."""
        self._epochs, self._steps, self._time = epochs, steps, monotonic()
