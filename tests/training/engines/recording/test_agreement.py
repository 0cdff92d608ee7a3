"""What counts as rounding, and what as another number."""

import pytest
import torch

from corenet.training.engines.recording.agreement import agree

DTYPES = {torch.float64: 2.2e-16, torch.float32: 1.2e-7, torch.float16: 2e-4, torch.bfloat16: 2e-4}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_tolerance_is_a_hundred_roundings_and_no_more(dtype, scale):
    """Ten times as wide a tolerance would fail here, and so would one ten times as narrow."""
    eps = DTYPES[dtype]
    plain = torch.tensor([scale, -scale / 3], dtype=torch.float64)
    for roundings, expected in ((0, True), (60, True), (300, False), (100_000, False)):
        found = plain.clone()
        found[0] += roundings * eps * scale
        assert agree([found.to(dtype)], [plain.to(dtype)]) == (expected or found.to(dtype)[0] == plain.to(dtype)[0])


def test_a_step_is_judged_by_how_far_it_moved_not_by_the_weights():
    before = torch.full((4,), 1000.0, dtype=torch.float64)
    plain = before - 1e-3
    assert agree([plain + 1e-13], [plain], [before])
    assert not agree([plain + 1e-9], [plain], [before])  # a millionth of the step
    assert agree([plain + 1e-12], [plain])  # beside the weights themselves, that is rounding


@pytest.mark.parametrize("noise", [0.0, 3e-9, -1e-9])
def test_what_is_zero_but_for_rounding_is_judged_by_the_largest(noise):
    """Such as the gradient of a bias before a normalisation."""
    large = torch.tensor([1.0, -2.0])
    assert agree([large, torch.tensor([noise])], [large, torch.tensor([2e-9])])


def test_what_is_small_is_not_zero():
    large = torch.tensor([1.0, -2.0])
    assert not agree([large, torch.tensor([0.0])], [large, torch.tensor([1e-3])])
    assert not agree([torch.tensor([3e-9])], [torch.tensor([2e-9])])  # there is nothing larger beside it


@pytest.mark.parametrize(
    ("found", "plain"),
    [
        (torch.ones(2), torch.ones(3)),
        (torch.ones(2, 1), torch.ones(2)),
        (torch.tensor([1, 2]), torch.tensor([1, 3])),
        (torch.tensor([True]), torch.tensor([False])),
        (torch.tensor([torch.nan, 1.0]), torch.tensor([1.0, 1.0])),
        (torch.tensor([torch.inf]), torch.tensor([-torch.inf])),
        (torch.tensor([torch.inf]), torch.tensor([3e38])),
        (torch.tensor([torch.nan]), torch.tensor([0.0])),
        (torch.tensor([0.0]), torch.tensor([torch.inf])),
    ],
)
def test_other_shapes_whole_numbers_and_infinities_do_not_agree(found, plain):
    assert not agree([found], [plain])


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 0.0])
def test_what_is_not_finite_in_both_agrees(value):
    assert agree([torch.tensor([value, 1.0])], [torch.tensor([value, 1.0])])


def test_what_is_not_finite_is_not_zero_beside_something_large():
    large = torch.tensor([1.0])
    assert not agree([large, torch.tensor([torch.nan])], [large, torch.tensor([0.0])])


def test_as_many_of_the_one_as_of_the_other():
    assert agree([], [])
    assert not agree([], [torch.ones(1)])
    assert agree([torch.empty(0)], [torch.empty(0)])
