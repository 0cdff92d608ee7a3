"""Swish has the right values, a proven gradient, and a place in corenet."""

from math import exp

import pytest
import torch
from torch import Tensor

import corenet as cn
from corenet_example import Swish


@pytest.fixture
def input() -> Tensor:
    return torch.randn(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


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
    swish = Swish()
    assert swish(torch.tensor(x, dtype=torch.float64)).item() == pytest.approx(y)
    assert swish.backward(torch.tensor(1.0, dtype=torch.float64)).item() == pytest.approx(slope)


def test_agrees_with_pytorch(input: Tensor) -> None:
    theirs = input.clone().requires_grad_()
    expected = torch.nn.functional.silu(theirs)
    grad_output = torch.linspace(-2, 2, input.numel(), dtype=input.dtype).reshape(input.shape)
    expected.backward(grad_output)

    swish = Swish()
    torch.testing.assert_close(swish(input), expected.detach())
    torch.testing.assert_close(swish.backward(grad_output), theirs.grad)


def test_gradient_is_proven(input: Tensor) -> None:
    assert cn.gradcheck(Swish(), input)
    assert cn.gradcheck(Swish(), input.T)


def test_is_listed() -> None:
    (row,) = [row for row in cn.components("module") if row.name == "swish"]
    assert (row.distribution, row.version) == ("corenet-example", "0.1.0")
    assert row.status in ("declared", "loaded")
    assert row.summary == "Swish, y = x · σ(x): an example of a corenet plugin"


@pytest.mark.parametrize("name", ["swish", "corenet-example:swish"])
def test_is_got_by_name(name: str) -> None:
    assert cn.get("module", name) is Swish


def test_learns_the_disk() -> None:
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 25), Swish(), cn.Linear(25, 1), cn.Sigmoid())
    optimizer = cn.SGD(model.parameters(), lr=1.0, momentum=0.9, lr_decay=0.005)
    train, test = cn.data.disk(1000, seed=0), cn.data.disk(1000, seed=1)
    cn.fit(model, cn.BCELoss(), optimizer, train, epochs=60, batch_size=50, progress=False)
    assert cn.error_rate(model, test) < 0.03
