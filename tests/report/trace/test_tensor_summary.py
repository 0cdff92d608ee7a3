"""A few numbers of a tensor."""

import json
import math

import pytest
import torch

from corenet.report.trace.tensor_summary import Numbers


def test_of_a_matrix():
    numbers = Numbers.of(torch.tensor([[3.0, -4.0], [0.0, 0.0]]))
    assert (numbers.shape, numbers.norm, numbers.min, numbers.mean, numbers.max) == ((2, 2), 5.0, -4.0, -0.25, 3.0)
    assert [(place, count) for place, count in enumerate(numbers.histogram) if count] == [(0, 1), (13, 2), (23, 1)]


@pytest.mark.parametrize("tensor", [torch.tensor(2.0), torch.full((5,), 7), torch.zeros(3, dtype=torch.bfloat16)])
def test_of_a_scalar_of_integers_and_of_equal_values(tensor):
    numbers = Numbers.of(tensor)
    assert numbers.min == numbers.mean == numbers.max == tensor.reshape(-1)[0].item()
    assert sum(numbers.histogram) == tensor.numel()


def test_of_nothing():
    numbers = Numbers.of(torch.zeros(0, 3))
    assert (numbers.shape, numbers.norm, numbers.histogram) == ((0, 3), 0.0, ())
    assert math.isnan(numbers.mean)


def test_infinities_have_no_histogram_and_are_nothing_in_json():
    numbers = Numbers.of(torch.tensor([1.0, math.inf]))
    assert numbers.histogram == ()
    assert json.loads(json.dumps(numbers.to_dict(), allow_nan=False))["max"] is None
