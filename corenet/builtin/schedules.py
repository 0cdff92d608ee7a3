"""Schedules: the factor of the learning rate at each step, with PyTorch's numbers.

Each is a pure function of the step, the first of which is 0; ``steps`` of a schedule are steps of the optimizer, not
epochs. PyTorch's schedulers change the optimizer instead and count their own calls; the rates are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi

from corenet.builtin.numbers import check_count, check_number, check_positive, refusal
from corenet.contracts.case import Case
from corenet.contracts.schedule import Schedule


@dataclass(frozen=True)
class ConstantSchedule(Schedule):
    """One factor for some steps, and 1 from then on: PyTorch's ConstantLR.

    Args:
        factor: what the rate is multiplied by.
        steps: for how many steps.

    Raises:
        ConfigError: ``factor`` is negative or not finite, or ``steps`` is no count.

    >>> schedule = ConstantSchedule(0.5, steps=2)
    >>> [schedule(step) for step in range(4)]
    [0.5, 0.5, 1.0, 1.0]
    """

    factor: float = 1 / 3
    steps: int = 5

    def __post_init__(self) -> None:
        check_number(self, "factor", self.factor)
        check_count(self, "steps", self.steps, least=0)

    def __call__(self, step: int) -> float:
        return self.factor if step < self.steps else 1.0


@dataclass(frozen=True)
class StepSchedule(Schedule):
    """Lower by a factor every so many steps, ``γ^⌊step / step_size⌋``: PyTorch's StepLR.

    Args:
        step_size: for how many steps the rate stays.
        gamma: what it is multiplied by then.

    Raises:
        ConfigError: ``gamma`` is negative or not finite, or ``step_size`` is no positive integer.

    >>> schedule = StepSchedule(2, gamma=0.5)
    >>> [schedule(step) for step in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    step_size: int
    gamma: float = 0.1

    def __post_init__(self) -> None:
        check_count(self, "step_size", self.step_size)
        check_number(self, "gamma", self.gamma)

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that it is verified on."""
        return [Case({"step_size": 3}), Case({"step_size": 1, "gamma": 0.7})]

    def __call__(self, step: int) -> float:
        return float(self.gamma ** (step // self.step_size))


@dataclass(frozen=True)
class ExponentialSchedule(Schedule):
    """Lower by a factor at each step, ``γ^step``: PyTorch's ExponentialLR.

    Args:
        gamma: what the rate is multiplied by after each step.

    Raises:
        ConfigError: ``gamma`` is negative or not finite.

    >>> schedule = ExponentialSchedule(0.5)
    >>> [schedule(step) for step in range(3)]
    [1.0, 0.5, 0.25]
    """

    gamma: float

    def __post_init__(self) -> None:
        check_number(self, "gamma", self.gamma)

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that it is verified on."""
        return [Case({"gamma": 0.9})]

    def __call__(self, step: int) -> float:
        return float(self.gamma**step)


@dataclass(frozen=True)
class CosineSchedule(Schedule):
    """Half a cosine wave from 1 down to e in T steps, ``e + (1 − e) (1 + cos(π step / T)) / 2``.

    PyTorch's ``CosineAnnealingLR``. After T steps it rises again, as PyTorch's does: let the training end there.

    Args:
        steps: T, in how many steps the rate falls, PyTorch's ``T_max``.
        end_factor: e, what it is multiplied by then, PyTorch's ``eta_min / lr``.

    Raises:
        ConfigError: ``end_factor`` is negative or not finite, or ``steps`` is no positive integer.

    >>> schedule = CosineSchedule(4)
    >>> [round(schedule(step), 3) for step in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]

    Reference: I. Loshchilov, F. Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR 2017.
    """

    steps: int
    end_factor: float = 0.0

    def __post_init__(self) -> None:
        check_count(self, "steps", self.steps)
        check_number(self, "end_factor", self.end_factor)

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that it is verified on."""
        return [Case({"steps": 7}), Case({"steps": 20, "end_factor": 0.1})]

    def __call__(self, step: int) -> float:
        return _between(1.0, self.end_factor, step / self.steps)


@dataclass(frozen=True)
class OneCycleSchedule(Schedule):
    """Up along half a cosine wave, and down along another: PyTorch's OneCycleLR, with the largest rate that of lr.

    From ``1 / div_factor`` to 1 in the first ``pct_start`` of the steps, from there to
    ``1 / (div_factor · final_div_factor)``, where it stays.

    Args:
        total_steps: steps of the whole training.
        pct_start: the part of them in which the rate rises.
        div_factor: how much smaller than the largest rate the first is.
        final_div_factor: how much smaller than the first rate the last is.

    Raises:
        ConfigError: ``total_steps`` is no positive integer, ``pct_start`` lies outside [0, 1], a factor is not
            positive.

    >>> schedule = OneCycleSchedule(10, pct_start=0.5, div_factor=10)
    >>> [round(schedule(step), 3) for step in (0, 2, 4, 9)]
    [0.1, 0.55, 1.0, 0.0]

    Reference: L. Smith, N. Topin, "Super-convergence: very fast training of neural networks using large learning
    rates", 2018.
    """

    total_steps: int
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __post_init__(self) -> None:
        check_count(self, "total_steps", self.total_steps)
        check_number(self, "pct_start", self.pct_start, most=1.0)
        check_positive(self, "div_factor", self.div_factor)
        check_positive(self, "final_div_factor", self.final_div_factor)

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that it is verified on."""
        return [Case({"total_steps": 30}), Case({"total_steps": 1}), Case({"total_steps": 9, "pct_start": 1.0})]

    def __call__(self, step: int) -> float:
        first, peak, last = 1 / self.div_factor, self.pct_start * self.total_steps - 1, self.total_steps - 1
        if step <= peak:
            return _between(first, 1.0, step / peak if peak else 1.0)
        down = (step - peak) / (last - peak) if step < last else 1.0
        return _between(1.0, first / self.final_div_factor, down)


@dataclass(frozen=True)
class WarmupSchedule(Schedule):
    """Up along a line for some steps, as PyTorch's LinearLR, and then another schedule from its beginning.

    ``start_factor + (1 − start_factor) step / steps`` while ``step < steps``, then ``after(step − steps)``; without
    ``after`` it is 1.

    Args:
        steps: in how many steps the rate rises.
        start_factor: what it is multiplied by at the first.
        after: the schedule that follows, such as ``CosineSchedule(1000)``, or any function of the step.

    Raises:
        ConfigError: ``start_factor`` is negative or not finite, ``steps`` is no positive integer, or ``after`` no
            function.

    >>> schedule = WarmupSchedule(4, start_factor=0.0, after=StepSchedule(2, gamma=0.5))
    >>> [schedule(step) for step in range(8)]
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 0.5, 0.5]
    """

    steps: int = 5
    start_factor: float = 1 / 3
    after: Callable[[int], float] | None = None

    def __post_init__(self) -> None:
        check_count(self, "steps", self.steps)
        check_number(self, "start_factor", self.start_factor)
        if self.after is not None and (not callable(self.after) or isinstance(self.after, type)):
            raise refusal(self, "after", self.after, "a schedule, such as cn.CosineSchedule(1000)")

    @staticmethod
    def conformance_cases() -> list[Case]:
        """Return the cases that it is verified on: alone, and before another."""
        return [Case(), Case({"steps": 4, "start_factor": 0.0, "after": CosineSchedule(9)})]

    def __call__(self, step: int) -> float:
        if step < self.steps:
            return self.start_factor + (1 - self.start_factor) * step / self.steps
        return 1.0 if self.after is None else self.after(step - self.steps)


def _between(start: float, end: float, part: float) -> float:
    """Return the point of half a cosine wave from ``start`` to ``end`` after a ``part`` of it."""
    return end + (start - end) * (1 + cos(pi * part)) / 2
