"""The module conforms to its contract, has the right values, and is found by its name."""

from math import exp
from typing import Any

import corenet as cn
import pytest
import torch
from corenet.testing import components_of, parametrize_with_checks

from corenet_example import Swish


@parametrize_with_checks(components_of("corenet-example"))
def test_conforms(component: Any, check: Any) -> None:
    check(component)


@pytest.mark.parametrize(
    ("x", "y", "slope"),
    [
        (0.0, 0.0, 0.5),
        (1.0, 1 / (1 + exp(-1)), (1 + 2 * exp(-1)) / (1 + exp(-1)) ** 2),
        (50.0, 50.0, 1.0),
        (-50.0, 0.0, 0.0),
    ],
)
def test_value_and_slope_have_the_closed_form(x: float, y: float, slope: float) -> None:
    module = Swish()
    assert module(torch.tensor(x, dtype=torch.float64)).item() == pytest.approx(y)
    assert module.backward(torch.tensor(1.0, dtype=torch.float64)).item() == pytest.approx(slope)


def test_is_found_by_its_name() -> None:
    found = cn.get("module", "corenet-example:swish")
    assert found is Swish
