"""Each schedule gives PyTorch's rates, and is a pure function of the step."""

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler

import corenet as cn

LR = 0.37
FACTORS = st.floats(0.01, 1.5)
COUNTS = st.integers(1, 40)


def theirs(make, steps, lr=LR):
    """Return the rate of each step by PyTorch's scheduler."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
    scheduler, rates = make(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a scheduler of schedulers counts epochs
            scheduler.step()
    return rates


def agree(schedule, make, steps=90, lr=LR):
    ours = [LR * schedule(step) for step in range(steps)]
    assert ours == pytest.approx(theirs(make, steps, lr), rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(factor=st.floats(0.01, 1.0), steps=COUNTS)
def test_constant(factor, steps):
    agree(cn.ConstantSchedule(factor, steps), lambda it: lr_scheduler.ConstantLR(it, factor, steps))


@settings(deadline=None, max_examples=30)
@given(step_size=COUNTS, gamma=FACTORS)
def test_step(step_size, gamma):
    agree(cn.StepSchedule(step_size, gamma), lambda it: lr_scheduler.StepLR(it, step_size, gamma))


@settings(deadline=None, max_examples=30)
@given(gamma=FACTORS)
def test_exponential(gamma):
    agree(cn.ExponentialSchedule(gamma), lambda it: lr_scheduler.ExponentialLR(it, gamma))


@settings(deadline=None, max_examples=30)
@given(steps=COUNTS, end=st.floats(0.0, 0.9))
def test_cosine(steps, end):
    agree(cn.CosineSchedule(steps, end), lambda it: lr_scheduler.CosineAnnealingLR(it, steps, LR * end), steps + 1)


@settings(deadline=None, max_examples=30)
@given(
    total=st.integers(5, 60),
    start=st.floats(0.25, 0.9),
    div=st.floats(1.5, 40),
    final=st.floats(2.0, 1e4),
)
def test_one_cycle(total, start, div, final):
    def make(optimizer):
        return lr_scheduler.OneCycleLR(
            optimizer, LR, total, pct_start=start, div_factor=div, final_div_factor=final, cycle_momentum=False
        )

    agree(cn.OneCycleSchedule(total, start, div, final), make, total)


def test_one_cycle_has_pytorchs_defaults_and_stays_at_its_end():
    schedule = cn.OneCycleSchedule(30)
    agree(schedule, lambda it: lr_scheduler.OneCycleLR(it, LR, 30, cycle_momentum=False), 30)
    assert schedule(30) == schedule(1000) == schedule(29) == 1 / 25 / 1e4


@settings(deadline=None, max_examples=30)
@given(steps=COUNTS, start=st.floats(0.01, 1.0))
def test_warmup(steps, start):
    agree(cn.WarmupSchedule(steps, start), lambda it: lr_scheduler.LinearLR(it, start, 1.0, steps))


@settings(deadline=None, max_examples=30)
@given(steps=COUNTS, falling=st.integers(2, 40))
def test_warmup_and_then_another(steps, falling):
    def make(optimizer):
        parts = [
            lr_scheduler.LinearLR(optimizer, 0.2, 1.0, steps),
            lr_scheduler.CosineAnnealingLR(optimizer, falling, 0.1 * LR),
        ]
        return lr_scheduler.SequentialLR(optimizer, parts, [steps])

    schedule = cn.WarmupSchedule(steps, 0.2, after=cn.CosineSchedule(falling, 0.1))
    agree(schedule, make, steps + falling + 1)


def test_warmup_is_followed_by_any_function():
    schedule = cn.WarmupSchedule(2, 0.0, after=lambda step: 10.0 + step)
    assert [schedule(step) for step in range(4)] == [0.0, 0.5, 10.0, 11.0]


def test_the_defaults_are_pytorchs():
    agree(cn.ConstantSchedule(), lr_scheduler.ConstantLR)
    agree(cn.WarmupSchedule(), lr_scheduler.LinearLR)
    agree(cn.StepSchedule(7), lambda it: lr_scheduler.StepLR(it, 7))
    agree(cn.CosineSchedule(9), lambda it: lr_scheduler.CosineAnnealingLR(it, 9), 10)


def test_it_cannot_be_changed():
    with pytest.raises(AttributeError):
        cn.StepSchedule(3).gamma = 0.5
    assert cn.StepSchedule(3) == cn.StepSchedule(3, gamma=0.1)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: cn.ConstantSchedule(-0.1), "factor"),
        (lambda: cn.ConstantSchedule(steps=-1), "steps"),
        (lambda: cn.StepSchedule(0), "step_size"),
        (lambda: cn.StepSchedule(2.5), "step_size"),
        (lambda: cn.StepSchedule(True), "step_size"),
        (lambda: cn.StepSchedule(2, torch.nan), "gamma"),
        (lambda: cn.ExponentialSchedule("0.9"), "gamma"),
        (lambda: cn.ExponentialSchedule(torch.inf), "gamma"),
        (lambda: cn.CosineSchedule(10, -0.5), "end_factor"),
        (lambda: cn.OneCycleSchedule(10, 1.1), "pct_start"),
        (lambda: cn.OneCycleSchedule(10, div_factor=0), "div_factor"),
        (lambda: cn.OneCycleSchedule(10, final_div_factor=-2), "final_div_factor"),
        (lambda: cn.WarmupSchedule(5, after=cn.CosineSchedule), "after"),
        (lambda: cn.WarmupSchedule(5, after=0.5), "after"),
    ],
)
def test_what_gives_no_factor_is_refused(make, name):
    with pytest.raises(cn.ConfigError, match=rf"Schedule: {name} must be ") as caught:
        make()
    assert caught.value.name == name
