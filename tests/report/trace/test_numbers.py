"""A step in numbers: each of them, in its place, on any terminal."""

import re

import click
import pytest
import torch
from rich.cells import cell_len

import corenet as cn
from corenet.report.trace.numbers import trace_numbers


def printed(trace, width=80):
    return click.unstyle("\n".join(trace_numbers(trace, width)))


@pytest.fixture(scope="module")
def small():
    """A step that is worked out by hand: y = x Wᵀ + b, L = mean (y − t)²."""
    model = cn.Sequential(cn.Linear(2, 2), cn.ReLU(), cn.Linear(2, 1))
    rows = ([[1.0, 2.0], [-1.0, 1.0]], [0.0, 1.0], [[2.0, -1.0]], [1.0])
    for parameter, values in zip(model.parameters(), rows, strict=True):
        parameter.copy_(torch.tensor(values))
    x, t = torch.tensor([[1.0, 0.0], [2.0, -1.0]]), torch.tensor([[2.0], [0.0]])
    return cn.trace(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.5), x, t)


def test_every_number_of_a_small_step_is_there(small):
    forward, backward = printed(small).split("BACKWARD")
    backward, step = backward.split("STEP")
    # z = x Wᵀ + b = [[1, 0], [0, −2]], h = [[1, 0], [0, 0]], y = [[3], [1]], dy = y − t = [[1], [1]]
    rows = [line.split() for line in forward.splitlines()]
    assert ["input", "2×2", "weight", "2×2", "bias", "2", "output", "2×2"] in rows
    assert ["1", "0", "1", "2", "0", "1", "1", "0"] in rows
    assert ["2", "-1", "-1", "1", "0", "-2"] in rows
    assert ["1", "0", "2", "-1", "1", "3"] in rows
    assert ["0", "0", "1"] in rows
    assert "MSELoss(): 1 before the step" in forward
    # dW₂ = dyᵀ h, db₂ = 2, dh = dy W₂
    found = re.search(r"∂L/∂output 2×1   ∂L/∂weight 1×2   ∂L/∂bias 1   ∂L/∂input 2×2\n(.*\n.*)\n", backward)
    assert found[1].split() == ["1", "1", "0", "2", "2", "-1", "1", "2", "-1"]
    # w ← w − dw / 2
    assert re.search(r"\[2\] weight 1×2   \[2\] bias 1\n", step)
    assert step.split()[-1] == "lr=0.5)"
    # W₁ − dW₁ / 2, b₁ − db₁ / 2, W₂ − dW₂ / 2, b₂ − db₂ / 2, of which each first row
    assert ["0", "2", "-1", "1", "1.5", "-1", "0"] in [line.split() for line in step.splitlines()]


def test_formulas_stand_beside_the_layer(small):
    lines = printed(small).splitlines()
    start = lines.index("[0] Linear(2 → 2)   Affine map y = x Wᵀ + b.")
    assert lines[start + 1].strip() == "dW = dyᵀ x     db = Σₙ dyₙ     dx = dy W"


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_it_fits_the_terminal(small, width):
    wide = cn.Sequential(cn.Linear(3, 20), cn.Tanh(), cn.Linear(20, 1))
    torch.manual_seed(0)
    large = cn.trace(wide, cn.MSELoss(), cn.SGD(wide.parameters(), lr=0.1), torch.randn(3, 3), torch.randn(3, 1))
    for each in (small, large):
        assert all(cell_len(line) <= width for line in printed(each, width).splitlines())


def test_what_is_too_large_is_told_by_its_norm():
    model = cn.Linear(9, 9)
    traced = cn.trace(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), torch.randn(5, 9), torch.randn(5, 9))
    assert re.search(r"input 5×9 +weight 9×9 +bias 9", printed(traced, 300))
    assert "norm " in printed(traced)


@pytest.mark.parametrize("shape", [(0, 2), (2, 2, 2)])
def test_tensors_of_no_numbers_and_of_more_dimensions(shape):
    model = cn.Linear(2, 2)
    loss = cn.MSELoss(reduction="sum")
    traced = cn.trace(model, loss, cn.SGD(model.parameters(), lr=0.1), torch.ones(shape), torch.ones(shape))
    assert f"input {'×'.join(map(str, shape))}" in printed(traced)
