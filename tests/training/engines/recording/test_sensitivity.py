"""How far rounding is carried, and that a wrong number is seen beside it."""

import pytest
import torch

from corenet.training.engines.recording.agreement import CARRIED, agree
from corenet.training.engines.recording.sensitivity import NUDGES, sensitivity


@pytest.mark.parametrize(("dtype", "eps"), [(torch.float64, 2.2e-16), (torch.float32, 1.2e-7)])
def test_what_cancels_out_is_as_far_as_the_terms_are_rounded(dtype, eps):
    x = torch.linspace(1, 2, 11, dtype=dtype)
    y = x.clone()
    cancels, mean = sensitivity(lambda: [(x - y).abs().sum(), x.mean()], [x])
    assert 10 * eps < cancels < 24 * eps  # eleven roundings of numbers from 1 to 2
    assert mean < 2 * eps


def test_nothing_is_moved():
    x, y, whole = torch.rand(3), torch.rand(3), torch.arange(3)
    before, state, calls = (x.clone(), y.clone(), whole.clone()), torch.get_rng_state(), []

    def compute():
        calls.append(x.clone())
        return [(x * y).sum() + torch.rand(1) * whole]

    sensitivity(compute, [x, y, whole])
    assert all(map(torch.equal, (x, y, whole), before))
    assert len(calls) == NUDGES + 1
    assert torch.equal(calls[0], x)
    assert not any(torch.equal(each, x) for each in calls[1:])
    torch.rand(1)  # the first call draws: whoever measures puts that back
    assert not torch.equal(torch.get_rng_state(), state)


def test_nudges_that_jump_do_not_count():
    x = torch.ones(1, dtype=torch.float64)
    jumps = iter([0.0, 5.0, 5.0, 5.0, *[0.0] * (NUDGES - 3)])
    (far,) = sensitivity(lambda: [x + next(jumps)], [x])
    assert far < 1e-15


def test_what_is_whole_or_not_finite_has_no_rounding():
    x = torch.ones(2)
    assert sensitivity(lambda: [torch.arange(3), x / 0, torch.empty(0)], [x]) == [0.0, 0.0, 0.0]


def test_carried_rounding_is_allowed_for_and_no_more():
    plain, found = torch.tensor([1e-14]), torch.tensor([2e-14])
    assert not agree([found], [plain])
    assert agree([found], [plain], carried=[1e-14 / (CARRIED - 1)])
    assert not agree([found], [plain], carried=[1e-14 / (CARRIED + 1)])
