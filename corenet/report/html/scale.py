"""An axis, and round numbers along it."""

from __future__ import annotations

import math
from dataclasses import dataclass

STEPS = (1, 2, 5, 10)
DECADES = 2  # a span of positive values from here on is drawn by its logarithms
MARGIN = 0.04  # of the span, to each side


@dataclass(frozen=True)
class Scale:
    """An axis from ``low`` to ``high``, even in the values or, if ``log``, in their logarithms.

    >>> scale = Scale(0.0, 4.0)
    >>> scale.place(1.0), scale.round(4)
    (25.0, [0.0, 1.0, 2.0, 3.0, 4.0])
    >>> Scale(0.01, 100.0, log=True).place(1.0)
    50.0
    """

    low: float
    high: float
    log: bool = False

    @classmethod
    def of(cls, low: float, high: float) -> Scale:
        """Return the scale of finite values: from 0 where that is near, and by logarithms where they differ widely."""
        if low > 0 and math.log10(high / low) > DECADES:
            room = (high / low) ** MARGIN
            return cls(low / room, high * room, log=True)
        if 0 <= low < high / 2:
            return cls(0.0, high * (1 + MARGIN))
        return cls.even(low, high)

    @classmethod
    def even(cls, low: float, high: float) -> Scale:
        """Return the scale of finite values with a margin to each side."""
        room = (high - low or abs(high) or 1.0) * MARGIN
        return cls(low - room, high + room)

    def place(self, value: float) -> float:
        """Return where a value stands, in per cent of the axis."""
        low, high, value = (math.log10(each) if self.log else each for each in (self.low, self.high, value))
        return 100 * (value - low) / (high - low)

    def round(self, most: int) -> list[float]:
        """Return round values within: about as many as ``most``; on an axis of logarithms, powers of ten."""
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0**each for each in range(first, last + 1, math.ceil((last - first + 1) / most))]
        step = _step((self.high - self.low) / most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [each * step for each in range(first, last + 1)]


def _step(least: float) -> float:
    """Return the least of 1, 2 and 5, times a power of ten, that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in STEPS if step * power >= least * (1 - 1e-9))
