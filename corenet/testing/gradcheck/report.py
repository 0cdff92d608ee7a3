"""What a gradient check found: figures for each tensor, and the worst element."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from corenet.errors import GradientError


@dataclass(frozen=True)
class TensorReport:
    """The gradient of one tensor, by hand against numeric, at its worst element.

    ``error`` is the worst ``|ours − numeric| / (atol/rtol + |numeric|)``, which passes
    at most at ``rtol``. ``checked`` elements were compared; ``kinks`` were left out
    because the function has no derivative there. ``diagnosis`` is what a wrong gradient likely means.
    """

    name: str
    shape: tuple[int, ...]
    checked: int
    kinks: int
    error: float
    rtol: float
    index: tuple[int, ...] = ()
    ours: float = 0.0
    numeric: float = 0.0
    diagnosis: str = ""

    @property
    def ok(self) -> bool:
        """Whether every compared element agrees."""
        return self.error <= self.rtol

    def __str__(self) -> str:
        left_out = f", {self.kinks} at kinks left out" if self.kinks else ""
        elements = "1 element" if self.checked == 1 else f"{self.checked} elements"
        figures = f"{elements}{left_out}, worst relative error {self.error:.1e}"
        if self.ok:
            return f"{self.name} {self.shape}: {figures}"
        place = f"[{', '.join(map(str, self.index))}]"
        found = f"{self.name} {self.shape}: {figures} at {place}: ours {self.ours:.8g}, numeric {self.numeric:.8g}"
        return "\n    ".join([found, *self.diagnosis.splitlines()])


@dataclass(frozen=True)
class GradientReport:
    """The result of :func:`~corenet.gradcheck`: a report for the input and each parameter."""

    subject: str
    tensors: tuple[TensorReport, ...]

    @property
    def ok(self) -> bool:
        """Whether every gradient agrees, and at least one element was compared."""
        return all(tensor.ok for tensor in self.tensors) and any(tensor.checked for tensor in self.tensors)

    @property
    def error(self) -> float:
        """The worst relative error."""
        return max((tensor.error for tensor in self.tensors), default=0.0)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        verdict = "gradient agrees" if self.ok else "gradient is wrong"
        if not any(tensor.checked for tensor in self.tensors):
            verdict = "nothing could be compared"
        return "\n  ".join([f"{self.subject}: {verdict}", *map(str, self.tensors)])

    def raise_if_wrong(self) -> None:
        """Raise :class:`~corenet.GradientError`, whose message is this report, unless :attr:`ok`."""
        if not self.ok:
            raise GradientError(str(self), report=self)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        tensors = [
            {name: finite_or_none(value) for name, value in vars(tensor).items()} | {"ok": tensor.ok}
            for tensor in self.tensors
        ]
        return {"subject": self.subject, "ok": self.ok, "error": finite_or_none(self.error), "tensors": tensors}


def finite_or_none(value: Any) -> Any:
    """Return ``value``, or None for an infinity or NaN, which JSON does not have."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
