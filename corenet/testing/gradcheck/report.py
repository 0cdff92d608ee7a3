"""What a gradient check found: figures for each tensor, the worst element, and how small a fault would have shown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from corenet.errors import GradientError
from corenet.testing.gradcheck.shown import ShownAsPrinted

Status = Literal["agrees", "wrong", "inconclusive"]
WEAK = 1e-2  # a check that would have missed a fault of 1 % shows nothing


@dataclass(frozen=True)
class TensorReport:
    """The gradient of one tensor, by hand against numeric, at its worst element.

    ``name`` is that of the input or a parameter, of which there may be several reports: ``how`` tells what is
    special about this one, such as "in random directions".
    ``checked`` elements were compared; left out are ``kinks``, where the slopes of the two sides differ, ``edges``, of
    which every neighbour is outside of the domain, and ``unclear`` ones, of whose slope no step is sure, as where
    the function jumps, or rounding or a fine structure hides it. ``error`` is the worst
    ``|ours − numeric|`` relative to the numeric gradient; at ``index`` it was ``ours`` against ``numeric``.
    ``power`` is the smallest relative fault of an element that would have been seen, None if the output does not
    depend on the tensor, so that there is nothing to see. ``small`` elements are too small to be judged by
    themselves: their fault is relative to the largest of the tensor. ``flat`` says that the gradient, by hand and
    numeric, is zero here but not everywhere, so that a wrong factor would not show. ``note`` says what else there
    is to know, ``diagnosis`` what a wrong gradient likely means.
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
    power: float | None = 0.0
    edges: int = 0
    unclear: int = 0
    small: int = 0
    flat: bool = False
    note: str = ""
    status: Status = "agrees"
    how: str = ""

    @property
    def ok(self) -> bool:
        """Whether it agrees: nothing is wrong, and a fault of 1 % would have been seen."""
        return self.status == "agrees"

    @property
    def left_out(self) -> int:
        """How many elements could not be compared."""
        return self.kinks + self.edges + self.unclear

    @property
    def figures(self) -> str:
        """The counts and the worst error, in one line."""
        counts = ["1 element" if self.checked == 1 else f"{self.checked} elements"]
        counts += [f"{self.kinks} at kinks left out"] if self.kinks else []
        counts += [f"{self.edges} at the edge of the domain left out"] if self.edges else []
        counts += [f"{self.unclear} without a clear slope left out"] if self.unclear else []
        counts += [f"{self.small} too small to judge alone"] if self.small else []
        return ", ".join([*counts, f"worst relative error {self.error:.1e}"])

    def __str__(self) -> str:
        lines = [f"{' '.join(filter(None, (self.name, self.how)))} {self.shape}: {self.figures}"]
        if self.status == "wrong":
            place = f"[{', '.join(map(str, self.index))}]"
            lines += [f"at {place}: ours {self.ours:.8g}, numeric {self.numeric:.8g}"]
        lines += [self.note] * bool(self.note) + self.diagnosis.splitlines()
        return "\n    ".join(lines)


@dataclass(frozen=True, repr=False)
class GradientReport(ShownAsPrinted):
    """The result of :func:`~corenet.gradcheck`: a report for the input and each parameter.

    It is true if it agrees: an inconclusive one is no pass. ``reason`` says why the check as a whole is
    inconclusive, ``note`` what it left out.
    """

    subject: str
    tensors: tuple[TensorReport, ...]
    reason: str = ""
    note: str = ""

    @property
    def status(self) -> Status:
        """``"wrong"`` if a gradient is; ``"inconclusive"`` if a fault of 1 % could have hidden; else ``"agrees"``.

        A tensor without elements has no part in it.
        """
        found = {tensor.status for tensor in self.tensors if tensor.checked or tensor.left_out}
        if "wrong" in found:
            return "wrong"
        return "agrees" if found == {"agrees"} and not self.reason else "inconclusive"

    @property
    def ok(self) -> bool:
        """Whether every gradient agrees, to a power of 1 % or better."""
        return self.status == "agrees"

    @property
    def error(self) -> float:
        """The worst relative error."""
        return max((tensor.error for tensor in self.tensors), default=0.0)

    @property
    def power(self) -> float | None:
        """The smallest relative fault that would have been seen in any element; None if the output depends on none."""
        return max((each.power for each in self.tensors if each.checked and each.power is not None), default=None)

    @property
    def summary(self) -> str:
        """What was found, in one line."""
        if self.status == "wrong":
            return "gradient is wrong"
        if not any(tensor.checked for tensor in self.tensors):
            return "nothing could be compared"
        if self.ok:
            return "gradient agrees"
        lost = [each.name for each in self.tensors if each.left_out and not each.checked]
        why = f"no element of {', '.join(lost)} could be compared" if lost else "a fault of 1 % could have hidden"
        return f"inconclusive, {self.reason or why}"

    @property
    def unsure(self) -> str:
        """Why it is inconclusive, nothing if it is not, or only as a gradient is zero here."""
        weak = [each for each in self.tensors if each.status == "inconclusive" and each.checked and not each.flat]
        if weak and not self.reason:
            return f"a fault of {weak[0].power:.1e} in the gradient of {weak[0].name} could have hidden"
        return self.reason

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        lines = [f"{self.subject}: {self.summary}"]
        if self.ok and self.power is not None:
            compared = " compared" if any(each.left_out for each in self.tensors) else ""
            lines.append(f"a relative fault of {self.power:.1e} in any element{compared} would have been seen")
        return "\n  ".join([*lines, *[self.note] * bool(self.note), *map(str, self.tensors)])

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
        return {
            "subject": self.subject,
            "ok": self.ok,
            "status": self.status,
            "error": finite_or_none(self.error),
            "power": finite_or_none(self.power),
            "reason": self.reason,
            "note": self.note,
            "tensors": tensors,
        }


def finite_or_none(value: Any) -> Any:
    """Return ``value``, or None for an infinity or NaN, which JSON does not have."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
