"""What every schedule promises: a finite factor for each step, whatever was asked before."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real

from corenet.registry.collect import reason_of
from corenet.testing.checks.check import Checks
from corenet.testing.support.copiers import copiers
from corenet.testing.support.trial import Trial
from corenet.testing.support.violation import Violation

SCHEDULE_CONTRACT_CHECKS = Checks("schedule")
STEPS = (*range(64), 100, 1_000, 1_000_000)
PURE = "keep nothing between calls: the factor must follow from step and the constructor's arguments alone"


@SCHEDULE_CONTRACT_CHECKS.add(since="0.2", after=())
def runs(trial: Trial) -> None:
    """The factor of every step is a finite number ≥ 0, of the millionth too."""
    schedule = trial.build()
    for step in STEPS:
        factor = schedule(step)
        if not isinstance(factor, Real) or not math.isfinite(factor) or factor < 0:
            raise Violation(f"at step {step} the factor is {factor!r}, not a finite number ≥ 0")


@SCHEDULE_CONTRACT_CHECKS.add(since="0.2")
def pure(trial: Trial) -> None:
    """The factor of a step is the same whatever was asked before."""
    schedule = trial.build()
    expected = [schedule(step) for step in STEPS]
    _must_agree("asked a second time", schedule, STEPS, expected)
    _must_agree("asked from the last step to the first", schedule, STEPS[::-1], expected[::-1])
    for step, factor in list(zip(STEPS, expected, strict=True))[::7]:
        _must_agree("asked first by a new instance", trial.build(), [step], [factor])


@SCHEDULE_CONTRACT_CHECKS.add(since="0.2", after=("runs", "pure"))
def copies(trial: Trial) -> None:
    """A deep copy and a pickled copy give the same factors: an optimizer is copied and pickled with its schedule."""
    expected = [trial.build()(step) for step in STEPS]
    for how, duplicate in copiers(trial.build()).items():
        try:
            other = duplicate(trial.build())
        except Exception as error:
            raise Violation(f"{how} raises {reason_of(error)}") from error
        _must_agree(f"by {how}", other, STEPS, expected)


def _must_agree(how: str, schedule: object, steps: Iterable[int], expected: list[float]) -> None:
    assert callable(schedule)
    for step, right in zip(steps, expected, strict=True):
        factor = schedule(step)
        if factor != right:
            raise Violation(f"{how}, the factor at step {step} is {factor!r}, not {right!r}", PURE)
