"""What comes of numbers in the code alone is computed once; what anything else goes into is not."""

import pytest
import torch

from corenet.training.engines.recording.constants import constants
from corenet.training.engines.recording.lowering import lower, needed
from corenet.training.engines.recording.op_log import OpLog, memory

CONSTANT = {
    "a range": lambda x: torch.arange(4),
    "a mask": lambda x: torch.ones(4, 4).tril() > 0,
    "an encoding": lambda x: torch.outer(torch.arange(4.0), 10 ** torch.linspace(0, 1, 3)).sin(),
    "a part of one": lambda x: torch.eye(4)[1:].clone(),
}
CHANGING = {
    "of an input": lambda x: torch.zeros(4) + x,
    "of its shape, and then of it": lambda x: torch.zeros_like(x) * 2,
    "written": lambda x: torch.zeros(4).add_(x),
    "written in part": lambda x: written_in_part(torch.ones(4, 4), x),
    "written of a constant": lambda x: torch.zeros(4).add_(torch.ones(4)),
    "drawn": lambda x: torch.rand(4) * 2,
    "drawn by": lambda x: torch.bernoulli(torch.full((4,), 0.5)),
    "a view of an input": lambda x: x[1:],
    "of a tensor that is held": lambda x: HELD * 2,
}
HELD = torch.arange(3.0)


def written_in_part(y, x):
    y[1] = x
    return y


def logged(function, x):
    with OpLog() as log:
        result = function(x)
    return result, log.operations


@pytest.mark.parametrize("name", CONSTANT)
def test_constants_are_computed_once(name):
    result, operations = logged(CONSTANT[name], torch.randn(4))
    assert memory(result) in constants(operations)
    assert needed(operations, []) == []
    again = needed(operations, [], [result])
    assert memory(again[-1].result) == memory(result), "what is given out is always computed"


@pytest.mark.parametrize("name", CHANGING)
def test_what_may_change_is_computed_each_time(name):
    x = torch.randn(4)
    result, operations = logged(CHANGING[name], x)
    assert memory(result) not in constants(operations)
    calls = lower(operations, [], [result])
    for seed in range(2):
        x.normal_()
        HELD.normal_()
        torch.manual_seed(seed)
        for call in calls:
            call()
        torch.manual_seed(seed)
        torch.testing.assert_close(result, CHANGING[name](x))


def test_what_reads_constants_reads_them_unchanged():
    def function(x):
        mask = torch.ones(4, 4).triu(1) > 0
        return x.masked_fill(mask, -2.0) + torch.arange(4.0)

    x = torch.randn(4, 4)
    result, operations = logged(function, x)
    calls = lower(operations, [], [result])
    assert len(calls) == 2
    for _ in range(2):
        x.normal_()
        for call in calls:
            call()
        torch.testing.assert_close(result, function(x))


def test_a_constant_that_is_added_to_a_gradient_stays_what_it_is():
    def function(x):
        gradient.add_(torch.full((4,), 0.75))
        return x * 2

    gradient = torch.zeros(4)
    _, operations = logged(function, torch.randn(4))
    for call in lower(operations, [gradient]) * 2:
        call()
    assert gradient.tolist() == [0.75] * 4
