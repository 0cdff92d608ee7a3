"""The summary of a tensor."""

import json
import math

import pytest
import torch

from corenet.report.trace.tensor_summary import TensorSummary


def test_of_a_matrix():
    summary = TensorSummary.of(torch.tensor([[3.0, -4.0], [0.0, 0.0]]))
    assert (summary.shape, summary.norm, summary.min, summary.mean, summary.max) == ((2, 2), 5.0, -4.0, -0.25, 3.0)
    assert [(place, count) for place, count in enumerate(summary.histogram) if count] == [(0, 1), (13, 2), (23, 1)]


@pytest.mark.parametrize("tensor", [torch.tensor(2.0), torch.full((5,), 7), torch.zeros(3, dtype=torch.bfloat16)])
def test_of_a_scalar_of_integers_and_of_equal_values(tensor):
    summary = TensorSummary.of(tensor)
    assert summary.min == summary.mean == summary.max == tensor.reshape(-1)[0].item()
    assert sum(summary.histogram) == tensor.numel()


def test_of_nothing():
    summary = TensorSummary.of(torch.zeros(0, 3))
    assert (summary.shape, summary.norm, summary.histogram) == ((0, 3), 0.0, ())
    assert math.isnan(summary.mean)


def test_infinities_have_no_histogram_and_are_nothing_in_json():
    summary = TensorSummary.of(torch.tensor([1.0, math.inf]))
    assert summary.histogram == ()
    assert json.loads(json.dumps(summary.to_dict(), allow_nan=False))["max"] is None
