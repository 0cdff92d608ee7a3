"""Two tensors agree within a part of the largest number, or the worst element is named."""

import math

import pytest
import torch

from corenet.testing.support.compare import difference


@pytest.mark.parametrize(
    ("found", "expected", "rtol", "words"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0, ""),
        ([1.0, 2.0 + 1e-6], [1.0, 2.0], 1e-6, ""),
        ([1.0, 2.0 + 1e-6], [1.0, 2.0], 0, "is 2.000001 at [1], not 2"),
        ([[1.0], [5.0]], [[1.0], [2.0]], 1e-6, "is 5 at [1, 0], not 2"),
        ([1.0, math.nan], [1.0, 2.0], 1e-6, "is nan at [1], not 2"),
        ([math.nan], [math.nan], 0, ""),
        ([1.0], [1.0, 2.0], 0, "has the shape (1,), not (2,)"),
        (3.0, 2.0, 0, "is 3, not 2"),
        ([], [], 0, ""),
        ([math.inf, 1.0], [math.inf, 2.0], 1e-6, "is 1 at [1], not 2"),
        ([1e-3], [0.0], 1e-3, "is 0.001 at [0], not 0"),
    ],
)
def test_the_worst_element_is_named(found, expected, rtol, words):
    assert difference(*(torch.tensor(each, dtype=torch.float64) for each in (found, expected)), rtol) == words
