"""The best of a number that callbacks look at after each epoch."""

from __future__ import annotations

from math import inf, isnan
from typing import Literal

from corenet.builtin.numbers import check_number, refusal
from corenet.contracts.callback import Training
from corenet.errors import ConfigError

Mode = Literal["auto", "min", "max"]
SIGNS = {"min": -1, "max": 1}


class Monitor:
    """The best value of ``monitor`` so far, by more than ``min_delta``; NaN is never better.

    ``mode`` says whether a smaller (``"min"``) or a larger (``"max"``) one is; ``"auto"`` asks the training.
    """

    def __init__(self, owner: object, monitor: str, mode: Mode, min_delta: float) -> None:
        if not isinstance(mode, str) or mode not in ("auto", *SIGNS):
            raise refusal(owner, "mode", mode, "'auto', 'min' or 'max'")
        check_number(owner, "min_delta", min_delta)
        self.name, self.mode, self.min_delta = monitor, mode, min_delta
        self.best: float | None = None
        self._sign = 0

    def begin(self, training: Training) -> None:
        """Forget what was best, and find out which way is up.

        Raises:
            ConfigError: the training has no such number, or ``mode="auto"`` and nobody knows which way is up.
        """
        self.best = None
        known = training.sign(self.name)
        self._sign = SIGNS.get(self.mode, known)
        if self._sign == 0:
            message = f"it is not known whether a larger {self.name!r} is better; give mode='min' or mode='max'"
            raise ConfigError(message, name="mode", value=self.mode)

    def improves(self, training: Training) -> bool:
        """Tell whether the last epoch is the best so far, and remember it if it is."""
        value = training.numbers[self.name]
        if isnan(value) or self._sign * value <= self._least:
            return False
        self.best = value
        return True

    @property
    def _least(self) -> float:
        return -inf if self.best is None else self._sign * self.best + self.min_delta
