"""The numbers of a rule that depend on the step: found however they are computed, and told for each step."""

import itertools
import math
import operator

import pytest
import torch

import corenet as cn
from corenet.training.engines.recording.recorded_update import record_update
from corenet.training.engines.recording.symbol import Symbol, Trial


def made(update, lr_decay=0.0):
    """Return an optimizer with such an ``update(self, param, grad, state)``, after a step."""
    rule = type("Rule", (cn.Optimizer,), {"elementwise": True, "update": lambda self, param, grad, state: None})
    optimizer = rule(
        [cn.Parameter(torch.tensor([1.0, -2.0])), cn.Parameter(torch.ones(2, 3))], lr=0.25, lr_decay=lr_decay
    )
    optimizer.step()
    rule.update = update
    return optimizer


def descend(self, param, grad, state):
    param.sub_(grad, alpha=self.current_lr)


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        (lambda p, g, rate: p.sub_(g, alpha=rate), 0.25),
        (lambda p, g, rate: p.add_(g, alpha=-rate), -0.25),
        (lambda p, g, rate: p.sub_(rate * g), 0.25),
        (lambda p, g, rate: p.sub_(g * rate), 0.25),
        (lambda p, g, rate: p.add_(-rate * g), -0.25),
        (lambda p, g, rate: p.sub_(g / rate), 0.25),
        (lambda p, g, rate: p.addcdiv_(g, g, value=-rate), -0.25),
        (lambda p, g, rate: p.lerp_(g, rate), 0.25),
        (lambda p, g, rate: p.sub_(torch.full_like(p, rate)), 0.25),
        (lambda p, g, rate: p.mul_(g > rate), 0.25),
    ],
)
def test_the_rate_is_found_however_it_is_spelled(spelling, value):
    optimizer = made(lambda self, param, grad, state: spelling(param, grad, self.current_lr))
    update = record_update(optimizer)
    first = update.operations[0]
    given = (*first.arguments, *first.keywords.values())
    assert [each for each in given if any(each is part for part in update.parts)] == update.parts
    assert update.numbers_of(optimizer, range(1, 2)) == [(value,)]


@pytest.mark.parametrize(
    "number",
    [
        lambda steps, rate: 2 * rate - 0.25 * (steps + 1) / 3,
        lambda steps, rate: -rate / (1 - 0.9 ** (steps + 1)),
        lambda steps, rate: rate * (1 - 0.999 ** (1 + steps)) ** 0.5,
        lambda steps, rate: (2 - rate) / rate + steps * steps,
        lambda steps, rate: (7 / steps) ** (1 - rate),
    ],
)
def test_what_arithmetic_makes_of_rate_and_count_of_steps_is_a_number_of_each_step(number):
    optimizer = made(lambda self, p, g, s: p.sub_(number(self.steps, self.current_lr) * g), lr_decay=0.3)
    update = record_update(optimizer)
    expected = [(number(step, 0.25 / (1 + step * 0.3)),) for step in STEPS]
    assert update.numbers_of(optimizer, STEPS) == expected
    optimizer.lr = 0.6
    assert update.numbers_of(optimizer, range(2, 3)) == [(number(2, 0.6 / (1 + 2 * 0.3)),)]


def test_each_group_has_its_own_rate():
    optimizer = made(descend)
    a, b = optimizer.parameters
    grouped = type(optimizer)([{"params": a}, {"params": b, "lr": 0.75}], lr=0.5, lr_decay=1.0)
    update = record_update(grouped)
    assert update.numbers_of(grouped, range(2)) == [(0.5, 0.75), (0.25, 0.375)]
    assert (grouped.lr, grouped.groups[1]["lr"]) == (0.5, 0.75)


STEPS = range(1, 12)


@pytest.mark.parametrize(
    ("compared", "lasting"),
    [
        (lambda steps: steps == 0, range(1, 12)),
        (lambda steps: steps == 1, [1]),
        (lambda steps: steps != 1, [1]),
        (lambda steps: not steps, range(1, 12)),
        (lambda steps: steps < 5, range(1, 5)),
        (lambda steps: steps <= 5, range(1, 6)),
        (lambda steps: steps > 5, range(1, 6)),
        (lambda steps: steps >= 5, range(1, 5)),
        (lambda steps: max(5, steps) == 5, range(1, 6)),
        (lambda steps: steps in (3, 7), [1, 2, 4, 5, 6, 8, 9, 10, 11]),
        (lambda steps: 3 <= steps < 8, [1, 2]),
        (lambda steps: 2 * steps + 1 < 12, range(1, 6)),
        (lambda steps: 1 - 0.5**steps < steps - 5, range(1, 6)),
        (lambda steps: True, range(1, 12)),
    ],
)
def test_what_the_count_of_steps_is_compared_with_is_remembered(compared, lasting):
    def rule(self, param, grad, state):
        param.sub_(grad if compared(self.steps) else 2 * grad, alpha=self.current_lr)

    update = record_update(made(rule))
    assert len(update.operations) == (1 if compared(1) else 2)
    assert [step for step in STEPS if update.holds(range(step, step + 1))] == list(lasting)
    assert update.holds(range(1, 3)) == ({1, 2} <= set(lasting))


# A symbol by itself.


@pytest.fixture
def trial():
    return Trial(seed=3, steps=4, comparisons=[])


def test_a_symbol_is_a_float_of_no_value_that_a_rule_has(trial):
    rate = trial.rate(0)
    assert isinstance(rate, float)
    assert trial.place(float.__add__(rate, 0.0)) == 1  # the count of steps was the first
    assert trial.place(0.5) is None
    assert trial.at[1](7, [0.125, 0.5]) == 0.125


def test_the_same_trial_gives_the_same_marks_and_another_others():
    marks = [[float.__add__(Trial(seed, 4, []).rate(0), 0.0) for _ in range(2)] for seed in (1, 2)]
    assert marks[0][0] == marks[0][1]
    assert marks[0][0] != marks[1][0]


def test_arithmetic_is_pythons_on_either_side(trial):
    steps, rate = trial.steps, trial.rate(1)
    pairs = [
        (lambda a, b: a + 2 - b, 5),
        (lambda a, b: 3 - a / b, 5),
        (lambda a, b: 7 / (b * a) + -a, 5),
        (lambda a, b: 2**a - b**2 + a**-b, 5),
        (lambda a, b: (1.5 - a) * b, 5),
    ]
    for number, step in pairs:
        symbol = number(steps, rate)
        assert isinstance(symbol, Symbol)
        assert symbol.at(step, [0.25, 0.75]) == number(step, 0.75)
        assert symbol.has_rate


def test_what_it_is_multiplied_with_may_be_a_tensor(trial):
    rate = trial.rate(0)
    for product in (rate * torch.ones(2), torch.ones(2) * rate):
        assert product.tolist() == pytest.approx([float.__add__(rate, 0.0)] * 2)


def test_comparisons_of_the_count_of_steps_are_answered_as_things_are_and_noted():
    comparisons = []
    steps = Trial(seed=3, steps=4, comparisons=comparisons).steps
    assert (steps + 1 > 4) is True
    assert (2**steps == 16) is True
    assert (math.pi < steps) is True
    assert [[each.holds(range(step, step + 1)) for each in comparisons] for step in (3, 4, 5)] == [
        [False, False, False],
        [True, True, True],
        [True, False, True],
    ]


@pytest.mark.parametrize("relation", [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge])
def test_of_many_steps_a_comparison_tells_what_each_of_them_would(relation):
    for other in (*range(-1, 9), 2.5, math.nan, math.inf, None, "four", (parabola := lambda steps: (steps - 4) ** 2)):
        comparisons = []
        steps = Trial(seed=3, steps=4, comparisons=comparisons).steps
        try:
            relation(steps, other(steps) if other is parabola else other)
        except TypeError:  # a count is no more or less than a text
            continue
        single = [comparisons[0].holds(range(step, step + 1)) for step in range(9)]
        for first, last in itertools.combinations(range(10), 2):
            assert comparisons[0].holds(range(first, last)) is all(single[first:last])
