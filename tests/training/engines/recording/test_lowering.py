"""Calls do again what a log noted, for other numbers in the same tensors."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from corenet.training.engines.recording.lowering import lower
from corenet.training.engines.recording.op_log import OpLog


def replayed(function, *inputs, gradients=()):
    """Record ``function`` on ``inputs``, put other numbers there, and return what a replay and a call give."""
    with OpLog() as log:
        result = function(*inputs)
    calls = lower(log.operations, gradients)
    for tensor in inputs:
        tensor.copy_(torch.randn_like(tensor))
    for call in calls:
        call()
    return result, function, calls


FUNCTIONS = {
    "products": lambda x: x @ x.T @ x,
    "affine": lambda x: torch.addmm(x[0], x, x[:4]),
    "taken from numbers": lambda x: (1 - x.exp()) * torch.rsub(x, 0.3, alpha=2),
    "new zeros": lambda x: x.new_zeros(x.shape).add_(x) + torch.zeros_like(x).sub_(x.sin()),
    "numbers": lambda x: 2 * x / 3 - 1 + x.pow(2),
    "rectifier of a sum": lambda x: torch.relu(x + 1) * x,
    "rectifier of the input": lambda x: torch.relu(x) + x,
    "rectifier used twice": lambda x: (lambda y: torch.relu(y) + y)(x + 1),
    "tanh, sigmoid": lambda x: torch.sigmoid(torch.tanh(x + x)),
    "softmax": lambda x: x.softmax(-1),
    "several results": lambda x: x.max(1).values + x.sort(1).values[:, 0],
    "in place": lambda x: x.clone().mul_(2).add_(x),
    "views": lambda x: x.T.reshape(2, -1)[0].unfold(0, 3, 1).sum(1),
    "joined": lambda x: torch.cat([x, x.flip(0)]).cumsum(0),
    "chosen": lambda x: torch.where(x > 0, x, x.exp()),
    "indexed": lambda x: x[torch.tensor([2, 0])],
    "new tensors": lambda x: torch.zeros_like(x).add_(x) + torch.ones(4) + torch.full((4,), 3.0),
    "an output handed over": lambda x: torch.add(x, 1, out=torch.empty_like(x)) * 2,
    "a new empty one filled": lambda x: x.new_empty(x.shape).copy_(x) * 2,
    "an empty one filled": lambda x: torch.empty_like(x).copy_(x) * 2,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_replay_is_the_computation_on_other_numbers(name, dtype):
    x = torch.randn(5, 4, dtype=dtype)
    result, function, calls = replayed(FUNCTIONS[name], x)
    for _ in range(3):
        torch.testing.assert_close(result, function(x))
        x.copy_(torch.randn_like(x))
        for call in calls:
            call()


def test_random_numbers_are_drawn_again_in_the_same_order():
    x = torch.ones(1000)

    def noisy(x):
        return torch.empty_like(x).bernoulli_(0.5) + torch.rand_like(x) * x + torch.randn(1000)

    result, _, calls = replayed(noisy, x)
    torch.manual_seed(5)
    for call in calls:
        call()
    torch.manual_seed(5)
    torch.testing.assert_close(result, noisy(x))


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_gradient_starts_at_zero_and_is_added_to(times):
    x, gradient = torch.randn(4, 3), torch.full((3,), 7.0)

    def add(x):
        for _ in range(times):
            gradient.add_(x.sum(0))

    replayed(add, x, gradients=[gradient])
    torch.testing.assert_close(gradient, times * x.sum(0))


def test_a_gradient_added_to_once_is_written_instead():
    x, gradient = torch.randn(4, 3), torch.zeros(3)
    with OpLog() as log:
        gradient.add_(x.sum(0))
    assert len(lower(log.operations, [gradient])) == 1


def test_what_is_used_elsewhere_too_is_not_written_over_the_gradient():
    x, gradient = torch.randn(4, 3), torch.zeros(3)

    def both(x):
        total = x.sum(0)
        gradient.add_(total)
        return total * 2

    result, _, _ = replayed(both, x, gradients=[gradient])
    torch.testing.assert_close(gradient, x.sum(0))
    torch.testing.assert_close(result, 2 * x.sum(0))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["relu", "tanh", "mul", "add", "mm", "view", "again"]), min_size=1, max_size=8))
def test_any_chain_of_operations_is_replayed(steps):
    weight = torch.randn(4, 4, generator=torch.Generator().manual_seed(0))

    def chain(x):
        first, y = x, x
        for step in steps:
            y = {
                "relu": lambda y: torch.relu(y),
                "tanh": lambda y: torch.tanh(y),
                "mul": lambda y: y * 0.7,
                "add": lambda y: y + first,
                "mm": lambda y: y @ weight,
                "view": lambda y: y.reshape(4, -1).T.reshape(5, 4),
                "again": lambda y: y - y.mean(0),
            }[step](y)
        return y

    x = torch.randn(5, 4)
    result, _, _ = replayed(chain, x)
    torch.testing.assert_close(result, chain(x))
