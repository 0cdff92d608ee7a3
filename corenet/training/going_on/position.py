"""Where a training stands: how many epochs are done, and what has come of the one that has begun."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from corenet.history import Epoch


@dataclass
class Position:
    """``epoch`` epochs are done, and of the next one ``points`` points.

    ``learnt`` of these were learnt from, with losses that add up to ``total``; ``skipped`` steps were left out.
    ``rate`` is the learning rate that the epoch began with, ``seconds`` the time of its steps so far. ``is_over`` says
    that a callback has ended the training.
    """

    epoch: int
    points: int = 0
    learnt: int = 0
    total: float = 0.0
    skipped: int = 0
    rate: float = 0.0
    seconds: float = 0.0
    is_over: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return it as a file keeps it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> Position:
        """Return what :meth:`to_dict` gave.

        Raises:
            ValueError: it is damaged.

        >>> Position.from_dict({"epoch": 3})
        Traceback (most recent call last):
        ValueError: its position has other fields than those of this version
        """
        forms = {each.name: type(each.default) for each in fields(cls)} | {"epoch": int}
        if type(values) is not dict or values.keys() != forms.keys():
            raise ValueError("its position has other fields than those of this version")
        for name, form in forms.items():
            if type(values[name]) is not form or (form is int and values[name] < 0):
                raise ValueError(f"the {name} of its position is {str(values[name])[:80]!r}")
        return cls(**values)

    def record(self) -> Epoch:
        """Return the record of the epoch, of which all steps are done."""
        mean = self.total / self.learnt if self.learnt else float("nan")
        return Epoch(self.epoch + 1, mean, self.rate, self.seconds, skipped=self.skipped)

    def steps(self, batch_size: int) -> int:
        """Return how many steps of the epoch are done."""
        return -(-self.points // batch_size)

    def where(self, batch_size: int) -> str:
        """Return where this is, in words.

        >>> Position(2, points=30).where(10)
        'epoch 3, step 3'
        """
        if self.points:
            return f"epoch {self.epoch + 1}, step {self.steps(batch_size)}"
        return f"the end of epoch {self.epoch}" if self.epoch else "its beginning"
