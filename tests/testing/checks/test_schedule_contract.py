"""The kit finds schedules that are no pure functions of the step, and clears those that are."""

import math

import pytest
import torch

import corenet as cn
from corenet.testing import check_component


class Right(cn.Schedule):
    """One to plant faults in."""

    def __init__(self, warm: int = 10):
        self.warm = warm

    def __call__(self, step):
        return min(1.0, (step + 1) / self.warm)


class Counts(Right):
    """Counts its own calls instead of reading the step."""

    calls = 0

    def __call__(self, step):
        self.calls += 1
        return super().__call__(self.calls)


class Lowers(Right):
    """Depends on the last step that was asked for."""

    last = 0

    def __call__(self, step):
        self.last = max(self.last, step)
        return super().__call__(self.last)


class Draws(Right):
    def __call__(self, step):
        return torch.rand(()).item()


class Overflows(Right):
    def __call__(self, step):
        return 1.5**step if step < 1000 else math.inf


class Negative(Right):
    def __call__(self, step):
        return 1 - step / 50


class NaN(Right):
    def __call__(self, step):
        return math.nan if step == 17 else 1.0


class Tensor(Right):
    def __call__(self, step):
        return torch.tensor(0.5)


class Uncopied(Right):
    def __deepcopy__(self, memo):
        raise TypeError("never copied")


class Forgets(Right):
    def __getstate__(self):
        return {"warm": 3}


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Counts, "schedule.pure", "asked a second time, the factor at step 0 is 1.0, not 0.2"),
        (Lowers, "schedule.pure", "the factor at step 0 is 1.0, not 0.1"),
        (Draws, "schedule.pure", "the factor at step 0 is "),
        (Overflows, "schedule.runs", "at step 1000 the factor is inf, not a finite number ≥ 0"),
        (Negative, "schedule.runs", "at step 51 the factor is -0.02"),
        (NaN, "schedule.runs", "at step 17 the factor is nan"),
        (Tensor, "schedule.runs", "at step 0 the factor is tensor(0.5000)"),
        (Uncopied, "schedule.copies", "a deep copy raises TypeError: never copied"),
        (Forgets, "schedule.copies", "by a deep copy, the factor at step 0 is 0.333"),
    ],
)
def test_a_fault_is_found_once_and_named(cls, check, message):
    report = check_component(cls)
    assert [failure.check for failure in report.failures] == [check]
    assert message in report.failures[0].message


@pytest.mark.parametrize("warm", [1, 10])
def test_a_right_one_passes(warm):
    report = check_component(Right, cases=[cn.Case({"warm": warm})])
    assert [result.verdict for result in report.results] == ["passed"] * 3
