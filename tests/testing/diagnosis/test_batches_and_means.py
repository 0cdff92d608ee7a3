"""Faults in how a batch is cut or averaged are named at any size."""

import random

import pytest
import torch

import corenet as cn
from corenet.testing.gradcheck.gradcheck import examine

SEEDS = range(8)


def sizes(seed, *, unlike=()):
    """Return a batch size and a width, of which none is one of the ``unlike`` or divides the other."""
    chance = random.Random(seed)
    while True:
        rows, width = chance.randint(3, 11), chance.randint(3, 11)
        if rows % width and width % rows and not {rows, width} & set(unlike):
            return rows, width


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Cube(cn.Module):
    def __init__(self, block=0):
        self.block = block

    def forward(self, input):
        self.save(input)
        return input**3

    def backward(self, grad_output):
        (input,) = self.saved()
        whole = len(input) // self.block * self.block
        grad_input = torch.zeros_like(input)
        for start in range(0, whole, self.block):
            rows = slice(start, start + self.block)
            grad_input[rows] = 3 * input[rows] ** 2 * grad_output[rows]
        return grad_input


class Blocks(cn.Linear):
    block = 1

    def backward(self, grad_output):
        (input,) = self.saved()
        whole = len(input) // self.block * self.block
        self.weight.grad += grad_output[:whole].T @ input[:whole]
        self.bias.grad += grad_output.sum(0)
        return grad_output @ self.weight


class Means(cn.Loss):
    """``Σ mean((x − t)²)``, with the mean over one dimension and a size to divide by."""

    def __init__(self, dimension, size):
        self.dimension, self.size = dimension, size

    def forward(self, input, target):
        self.save(input, target)
        return (input - target).square().mean(self.dimension).sum()

    def backward(self):
        input, target = self.saved()
        return 2 * (input - target) / self.size(input)


class Centred(cn.Module):
    """``y = x − mean(x)``, through functions that no edit of the source reaches."""

    def __init__(self, reduce, wrong):
        self.reduce, self.wrong = reduce, wrong

    def forward(self, input):
        self.save(input)
        return input - self.reduce(input)

    def backward(self, grad_output):
        self.saved()
        return grad_output - self.wrong(grad_output)


class Scaled(cn.Module):
    def __init__(self, by):
        self.by = by

    def forward(self, input):
        self.save(input)
        return input.sin()

    def backward(self, grad_output):
        (input,) = self.saved()
        return input.cos() * grad_output * self.by


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rows_that_a_block_loses_are_counted(seed):
    rows, width = sizes(seed)
    block = random.Random(seed).choice([each for each in range(2, rows) if rows % each])
    kept = rows // block * block
    told = examine(Cube(block), drawn(rows, width)).tensors[0].diagnosis
    counted = "sample is" if kept == 1 else f"{kept} of {rows} samples are"
    assert told.startswith(f"only the first {counted} counted: sum over the whole batch; the rest of a block is lost")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rows_that_a_parameter_loses_are_counted(seed):
    rows, width = sizes(seed)
    layer = Blocks(width, 2)
    layer.block = random.Random(seed).choice([each for each in range(2, rows) if rows % each])
    kept = rows // layer.block * layer.block
    _, weight, bias = examine(layer, drawn(rows, width)).tensors
    assert weight.diagnosis.startswith(f"only the first {kept} of {rows} samples are counted")
    assert bias.ok


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_too_many_for_a_jacobian_are_counted_too(seed):
    rows = 300 + seed
    block = next(each for each in range(7, 40) if rows % each)
    told = examine(Cube(block), drawn(rows, 4)).tensors[0].diagnosis
    assert told.startswith(f"lost: ours is zero in the last {rows % block} of {rows} rows, and right before")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dimension", [0, 1])
def test_a_mean_divided_by_the_size_of_another_dimension_is_told(seed, dimension):
    shape = sizes(seed, unlike=(4, 8))  # twice a half is another size
    if shape[0] == 2 * shape[1] or shape[1] == 2 * shape[0]:
        pytest.skip("a factor 2 fits as well")
    loss = Means(dimension, lambda each: each.shape[1 - dimension])
    told = examine(loss, drawn(*shape), drawn(*shape, seed=1)).tensors[0].diagnosis
    wrong, right = shape[1 - dimension], shape[dimension]
    assert told.startswith("a mean over the wrong dimension: ours is divided by ")
    assert f" = {wrong}, " in told.partition(" where ")[0]
    assert f" = {right}, " in told.partition(" where ")[2]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("how", ["mean", "sum"])
@pytest.mark.parametrize("right", [0, 1])
def test_a_mean_subtracted_over_another_dimension_is_told(seed, how, right):
    def over(dimension):
        return lambda each: getattr(each, how)(dimension, keepdim=True)

    told = examine(Centred(over(right), over(1 - right)), drawn(*sizes(seed))).tensors[0].diagnosis
    assert told.startswith(
        f"wrong dimension: the {how} that is subtracted is over dimension {1 - right} where {right} is right"
    )


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("by", "words"), [(2, "a factor 2 too many"), (0.5, "a factor 2 is missing")])
def test_a_factor_2_comes_before_a_size_that_is_2_and_the_size_is_told_as_well(seed, by, words):
    rows = 3 + seed
    told = examine(Scaled(by), drawn(rows, 2)).tensors[0].diagnosis
    assert told.startswith(words)
    assert f"or 1/C is {'missing' if by == 2 else 'too many'} (C = 2, the features)" in told


def test_of_a_factor_2_where_no_size_is_2_no_size_is_told():
    told = examine(Scaled(2), drawn(5, 3)).tensors[0].diagnosis
    assert told.startswith("a factor 2 too many")
    assert "1/" not in told.splitlines()[0]
