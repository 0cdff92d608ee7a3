"""Whole numbers are computed with, compared and counted as torch does it, the largest and the smallest included."""

import pytest
import torch

from corenet.training.engines.cpu.op_table import CLAMPS, OF_INTEGERS

pytestmark = pytest.mark.usefixtures("needs_compiler")

LARGE = 2**62 + 3
FUNCTIONS = {
    "abs": lambda i, j, m, x: i.abs(),
    "add": lambda i, j, m, x: i + j,
    "add alpha": lambda i, j, m, x: torch.add(i, j, alpha=-3),
    "add number": lambda i, j, m, x: 7 + i,
    "add flags": lambda i, j, m, x: i + m,
    "add_": lambda i, j, m, x: i.clone().add_(j),
    "sub": lambda i, j, m, x: i - j,
    "rsub": lambda i, j, m, x: 5 - i,
    "mul": lambda i, j, m, x: i * j,
    "mul number": lambda i, j, m, x: i * -3,
    "neg": lambda i, j, m, x: -i,
    "maximum": lambda i, j, m, x: torch.maximum(i, j),
    "minimum": lambda i, j, m, x: torch.minimum(i, j),
    "clamp": lambda i, j, m, x: i.clamp(-2, LARGE - 1),
    "clamp_min": lambda i, j, m, x: torch.clamp_min(i.clamp(min=-4), 0),
    "clamp_max": lambda i, j, m, x: torch.clamp_max(i, 3),
    "masked_fill": lambda i, j, m, x: i.masked_fill(m, -100),
    "where": lambda i, j, m, x: torch.where(m, i, j),
    "where number": lambda i, j, m, x: torch.where(i > j, i, LARGE),
    "copied": lambda i, j, m, x: torch.empty_like(i).copy_(j),
    "zeros": lambda i, j, m, x: torch.zeros(i.shape, dtype=torch.int64) + i,
    "zeros_like": lambda i, j, m, x: torch.zeros_like(i) - j,
    "new_zeros": lambda i, j, m, x: i.new_zeros(i.shape) + m,
    "zero_": lambda i, j, m, x: i.clone().zero_(),
    "ones": lambda i, j, m, x: torch.ones(i.shape, dtype=torch.int64) + i,
    "ones_like": lambda i, j, m, x: torch.ones_like(i) - i,
    "new_ones": lambda i, j, m, x: i.new_ones(i.shape) - i,
    **{
        f"{name} {kind}": lambda i, j, m, x, name=name, kind=kind: getattr(torch, name)(i, {"": j, "number": 2}[kind])
        for name in ("eq", "ge", "gt", "le", "lt", "ne")
        for kind in ("", "number")
    },
    "compared with flags": lambda i, j, m, x: i == m,
    "flags compared": lambda i, j, m, x: (m != (i > 0)) & (m < (j > 0)),
    "as numbers": lambda i, j, m, x: i.clamp(-(2**20), 2**20).double() * x,
}
SUMS = {
    "sum": lambda i, j, m, x: i.sum(),
    "sum along": lambda i, j, m, x: i.sum(0),
    "sum across": lambda i, j, m, x: i.sum(1, keepdim=True),
    "flags": lambda i, j, m, x: m.sum(),
    "flags along": lambda i, j, m, x: m.sum(1),
    "flags across": lambda i, j, m, x: m.sum(0),
    "nonzero": lambda i, j, m, x: i.count_nonzero(1),
    "nonzero flags": lambda i, j, m, x: m.count_nonzero(0),
    "largest": lambda i, j, m, x: i.amax(1),
    "smallest": lambda i, j, m, x: i.amin(0),
    "largest of all": lambda i, j, m, x: i.max(),
    "smallest of all": lambda i, j, m, x: j.min(),
    "largest of less than nothing": lambda i, j, m, x: (-i.abs() - 1).amax(1),
    "smallest of more": lambda i, j, m, x: (i.clamp(0, 9) + 3).amin(0),
    "any": lambda i, j, m, x: m.any(),
    "any along": lambda i, j, m, x: m.any(1),
    "any number": lambda i, j, m, x: (x * (x > 1)).any(0),
    "all": lambda i, j, m, x: m.all(),
    "all across": lambda i, j, m, x: (x < 1.5).all(0),
    "all whole": lambda i, j, m, x: i.all(1, keepdim=True),
}


def numbers():
    i, j = (torch.randint(-5, 6, (7, 19)) for _ in range(2))
    i[torch.rand(7, 19) < 0.1] = torch.iinfo(torch.int64).max
    j[torch.rand(7, 19) < 0.1] = torch.iinfo(torch.int64).min
    i[2, 3:5], j[4, 1] = torch.tensor([LARGE, -LARGE]), LARGE
    return [i, j, torch.rand(7, 19) < 0.2, torch.randn(7, 19).double()]


@pytest.mark.parametrize("functions", [FUNCTIONS, SUMS], ids=["of each", "of many"])
def test_whole_numbers_are_torchs(assert_as_torch, functions):
    def function(*inputs):
        return {name: each(*inputs) for name, each in functions.items()}

    operations = assert_as_torch(function, numbers, times=4)
    if functions is FUNCTIONS:
        assert {each.name.removesuffix("_") for each in operations} >= OF_INTEGERS.keys() | set(CLAMPS)


def test_errors_of_three_classes_are_counted(assert_as_torch):
    def function(outputs, targets):
        return {"rate": (outputs.argmax(1) != targets).float().mean(), "right": (outputs.argmax(1) == targets).sum()}

    assert_as_torch(function, lambda: [torch.randn(41, 3), torch.randint(3, (41,))])


@pytest.mark.parametrize("name", ["mean of flags", "whole numbers in double"])
def test_what_is_not_known_is_left_to_torch(assert_as_torch, name):
    rules = {
        "mean of flags": lambda i, x: {"it": i.sum(dtype=torch.float32), "x": x + 1},
        "whole numbers in double": lambda i, x: {"it": i.to(torch.int32).sum(0), "x": x + 1},
    }
    assert_as_torch(rules[name], lambda: [torch.randint(9, (3, 5)), torch.randn(2)], in_c=False)
