"""A layer that a student wrote, run at a point: what came out, beside what is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from corenet.grading.guard import running
from corenet.grading.textbook import Point, Textbook, Worked
from corenet.grading.written import Gradients, Written

# A right backward is off by some 1e-15 of its largest element, a difference of nearby values by 1e-11 at best.
RTOL = 2e-12
LEAST = 1e-3  # of the upstream gradient, where the right gradient is zero throughout


@dataclass(frozen=True)
class Trial:
    """What came of a layer at a point; ``error`` is what it raised, in its ``stage``."""

    right: Worked
    output: np.ndarray | None = None
    gradients: Gradients = field(default_factory=dict)
    error: BaseException | None = None
    stage: str = ""

    @property
    def point(self) -> Point:
        """The point."""
        return self.right.point

    def ours(self, name: str) -> np.ndarray | None:
        """Return the gradient of ``name`` that came out, or the output, if there is one."""
        return self.output if name == "forward" else self.gradients.get(name)

    def wanted(self, name: str) -> np.ndarray:
        """Return the right gradient of ``name``, or the right output."""
        return self.right.output if name == "forward" else self.right.gradients[name]

    def agrees(self, name: str, rtol: float = RTOL) -> bool:
        """Tell whether the gradient of ``name``, or the output, is right."""
        ours = self.ours(name)
        return ours is not None and agree(ours, self.wanted(name), rtol, self.least)

    @property
    def least(self) -> float:
        """The size below which a gradient counts as zero."""
        return LEAST * float(np.abs(self.point.upstream).max(initial=0.0))


def agree(ours: np.ndarray, right: np.ndarray, rtol: float = RTOL, least: float = 0.0) -> bool:
    """Tell whether two arrays have one shape, and elements that differ by ``rtol`` of the largest at most."""
    if ours.shape != right.shape:
        return False
    if not right.size:
        return True
    size = max(float(np.abs(right).max()), least)
    with np.errstate(invalid="ignore"):
        return bool((np.abs(ours - right) <= rtol * size).all())  # false for NaN


def attempt(textbook: Textbook, written: Written, point: Point, known: Worked | None = None) -> Trial:
    """Run forward and backward at a point; what a student's code raises is a part of the result.

    ``known`` is what is right there, if that is known already.
    """
    stage = "forward"
    output: np.ndarray | None = None
    right = textbook.work(point) if known is None else known
    try:
        with running():
            call = written.forward(point)
            output = call.output
            right = textbook.work(point, output) if textbook.is_random else right
            if point.kind == "evaluation":
                return Trial(right, output)
            stage = "backward"
            return Trial(right, output, call.backward(point.upstream))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a student's code may raise anything
        return Trial(right, output, error=error, stage=stage)


def attempts(textbook: Textbook, written: Written, points: Sequence[Point]) -> list[Trial]:
    """Run forward and backward at each point."""
    return [attempt(textbook, written, point) for point in points]
