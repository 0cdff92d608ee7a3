"""From where on advice is given: on either side of each threshold."""

import math

import pytest
import torch

import corenet as cn
from corenet.history import Epoch, History
from corenet.training.advice import after, before, is_flat

LOSS = cn.MSELoss()


def network(*after_it, width=4):
    """Return a network that gives 0 to each point, before what comes after it."""
    model = cn.Sequential(cn.Linear(2, width), cn.ReLU(), cn.Linear(width, 1, init="zeros"), *after_it)
    for each in model[0].parameters():
        each.fill_(1.0)
    return model


def history(losses, valid=()):
    measured = [{"loss": each} for each in valid] or [{}] * len(losses)
    return History([Epoch(n, a, 0.1, 0.0, {}, b) for n, (a, b) in enumerate(zip(losses, measured, strict=True), 1)])


def kinds(advice):
    return [each.kind for each in advice]


@pytest.mark.parametrize(("size", "due"), [(49.0, False), (51.0, True), (-51.0, True)])
def test_how_large_inputs_are(size, due):
    data = cn.data.Dataset(torch.full((9, 2), size), torch.rand(9, 1))
    assert kinds(before(network(), LOSS, data)) == ["not_standardised"] * due


@pytest.mark.parametrize(("ones", "zeros", "due"), [(2, 47, False), (2, 48, True), (3, 57, True), (4, 56, False)])
def test_how_many_targets_are_of_one_class(ones, zeros, due):
    targets = torch.tensor([1] * ones + [0] * zeros)
    data = cn.data.Dataset(torch.randn(len(targets), 2), targets)
    assert kinds(before(network(), cn.CrossEntropyLoss(), data)) == ["uneven_classes"] * due


@pytest.mark.parametrize(
    ("losses", "flat"),
    [
        ([0.7] * 19, False),
        ([0.7] * 20, True),
        ([0.0] * 20, False),
        ([1.0] * 19 + [1.0099], True),
        ([1.0] * 19 + [0.9899], False),
        ([1.0] * 10 + [1.006] * 5 + [0.995] * 5, False),
        ([-1.0] * 19 + [-1.0099], True),
    ],
)
def test_how_little_a_loss_moves(losses, flat):
    assert is_flat(losses) == flat


@pytest.mark.parametrize(
    ("valid", "due"),
    [
        ([2.0, 1.0] + [1.51] * 18, True),
        ([2.0, 1.0] + [1.49] * 18, False),
        ([2.0] * 14 + [1.0] + [1.51] * 5, True),
        ([2.0] * 15 + [1.0] + [1.51] * 4, False),
        ([2.0, 1.0] + [1.51] * 17, False),
        ([2.0, 1.0] + [1.2] * 15 + [1.2, 1.9, 1.2], False),
        ([2.0, 1.0] + [1.2] * 15 + [1.9, 1.2, 1.9], True),
        ([2.0, 1.0] + [1.51] * 17 + [math.inf], False),
    ],
)
def test_how_far_and_since_when_a_validation_loss_rises(valid, due):
    data = cn.data.Dataset(torch.randn(9, 2), torch.randn(9, 1))
    falls = [1 / n for n in range(1, len(valid) + 1)]
    assert kinds(after(network(), LOSS, data, history(falls, valid))) == ["validation_loss_rising"] * due


@pytest.mark.parametrize(("dead", "due"), [(17, False), (18, True), (20, True)])
def test_how_many_units_are_dead(dead, due):
    model = network(width=20)
    model[0].weight.zero_()
    model[0].bias[:dead] = -1.0
    data = cn.data.Dataset(torch.randn(9, 2), torch.randn(9, 1))
    assert kinds(after(model, LOSS, data, history([1.0] * 20))) == ["flat_loss"] + ["dead_units"] * due


@pytest.mark.parametrize(("value", "due"), [(0.009, True), (0.011, False), (0.989, False), (0.991, True)])
def test_how_close_to_its_end_an_output_is_saturated(value, due):
    model = network(cn.Sigmoid())
    model[2].bias.fill_(math.log(value / (1 - value)))
    data = cn.data.Dataset(torch.rand(9, 2), torch.rand(9, 1))
    assert kinds(after(model, LOSS, data, history([1.0] * 20))) == ["flat_loss"] + ["saturated"] * due


@pytest.mark.parametrize(("share", "due"), [(0.0, True), (0.009, True), (0.012, False), (0.5, False)])
def test_how_little_more_than_a_constant_the_outputs_tell(share, due):
    """Outputs that are a share of their targets leave (1 − share)² of a constant's loss: at 0.01 that is 0.98."""
    inputs = torch.randn(200, 1)
    inputs -= inputs.mean()
    model = cn.Sequential(cn.Linear(1, 1, bias=False))
    model[0].weight.fill_(share)
    assert kinds(after(model, LOSS, cn.data.Dataset(inputs, inputs), history([1.0] * 20))) == ["flat_loss"] * due
