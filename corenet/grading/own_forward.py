"""Whether a gradient that is wrong is the derivative of what the student's own forward computes."""

from __future__ import annotations

import numpy as np

from corenet.grading.guard import running
from corenet.grading.textbook import Point, Textbook
from corenet.grading.written import Written

STEP = 1e-5
RTOL = 1e-6  # a central difference of this step has some 1e-9
DIRECTIONS = 3


def follows_own_forward(textbook: Textbook, written: Written, point: Point, name: str) -> bool:
    """Tell whether the gradient of ``name`` agrees with differences of the student's own forward, in some directions.

    With ``u`` the upstream gradient, ``g`` the gradient and ``v`` a direction, ``⟨g, v⟩`` must be
    ``u · (f(θ + h v) − f(θ − h v)) / 2h``.
    """
    if textbook.is_random:
        return False
    random = np.random.default_rng(point.seed)
    try:
        with running():
            call = written.forward(point)
            gradient = call.backward(point.upstream)[name]
            for _ in range(DIRECTIONS):
                along = random.normal(size=gradient.shape)
                sides = (_value(written, point, name, side * STEP * along) for side in (1, -1))
                slope = (next(sides) - next(sides)) / (2 * STEP)
                if not abs((gradient * along).sum() - slope) <= RTOL * np.abs(gradient * along).sum():
                    return False
    except (Exception, SystemExit):  # noqa: BLE001 - a student's code may raise anything
        return False
    return True


def _value(written: Written, point: Point, name: str, step: np.ndarray) -> float:
    """Return the upstream gradient times the output, with one tensor moved."""
    moved = point.arguments | {name: point.arguments[name] + step}
    output = written.forward(Point(moved, point.upstream, point.kind, point.seed)).output
    return float((point.upstream * output).sum())
