"""Pieces of a batch that take another step than the batch are refused, whatever is the reason; others never are."""

import random

import numpy
import pytest
import torch

import corenet as cn

DATA = cn.data.disk(70, seed=0)
OPTIONS = {"epochs": 2, "batch_size": 30, "progress": False}
SIZES = [1, 2, 7, 29]
BINARY = [cn.BCELoss(), cn.BCELoss(weight=torch.tensor([0.3])), cn.BCEWithLogitsLoss(pos_weight=torch.tensor([3.0]))]


class Weighted(cn.Loss):
    """Squared errors of a mean weighted by class: the mean is over weights, not points."""

    reduction = "mean"

    def __init__(self, ones=3.0):
        self.ones = ones

    def forward(self, input, target):
        weight = torch.where(target > 0.5, self.ones, 1.0)
        self.save(2 * weight * (input - target) / weight.sum())
        return (weight * (input - target).square()).sum() / weight.sum()

    def backward(self):
        (gradient,) = self.saved()
        return gradient


class Root(Weighted):
    """The root of the mean square."""

    def forward(self, input, target):
        root = (input - target).square().mean().sqrt()
        self.save((input - target) / (len(input) * root))
        return root


class SumCalledMean(Weighted):
    """Says that it is a mean, and is a sum."""

    def forward(self, input, target):
        self.save(2 * (input - target))
        return (input - target).square().sum()


class Jittered(cn.MSELoss):
    """Draws random numbers."""

    def elements(self, input, target):
        return super().elements(input, target) * (1 + torch.rand(()))


class Centred(cn.Module):
    """y = x − mean x over the batch."""

    def forward(self, input):
        self.save(input)
        return input - input.mean(0)

    def backward(self, grad_output):
        self.saved()
        return grad_output - grad_output.mean(0)


class Running(Centred):
    """Keeps the mean of each batch."""

    def __init__(self):
        self.mean = cn.Buffer(torch.zeros(6))

    def forward(self, input):
        self.mean.copy_(input.mean(0))
        return super().forward(input)


class Fussy(cn.Tanh):
    """Takes no batch of less than seven points."""

    def forward(self, input):
        if len(input) < 7:
            raise cn.ShapeError("Fussy()", input.shape, "expected seven points")
        return super().forward(input)


class NoiseOf(cn.Module):
    """Adds noise by a function."""

    def __init__(self, draw):
        self.draw = draw

    def forward(self, input):
        return input + self.draw()

    def backward(self, grad_output):
        return 1.0 * grad_output


def train(*middle, loss=None, size=7, data=DATA, **options):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 6), cn.Tanh(), *middle, cn.Linear(6, 1), cn.Sigmoid())
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    cn.fit(model, loss or cn.MSELoss(), optimizer, data, micro_batch_size=size, **OPTIONS | options)
    return model


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("loss", [Weighted(), Root(), SumCalledMean()], ids=repr)
def test_a_loss_that_is_no_mean_over_points_is_refused(loss, size):
    message = rf"micro_batch_size: {type(loss).__name__}\(\) is no mean or sum over points, so its pieces"
    with pytest.raises(cn.ConfigError, match=message) as caught:
        train(loss=loss, size=size)
    assert (caught.value.name, caught.value.value) == ("micro_batch_size", size)


@pytest.mark.parametrize("rare", [1, 2])
def test_a_weight_of_a_rare_class_is_seen(rare):
    targets = torch.zeros(1000, 1)
    targets[517 : 517 + rare] = 1
    with pytest.raises(cn.ConfigError, match="no mean or sum"):
        train(loss=Weighted(), data=cn.data.Dataset(torch.rand(1000, 2), targets))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("middle", [Centred, Running])
def test_a_model_that_looks_at_its_batch_is_refused(middle, size):
    message = "changes a buffer with each batch" if middle is Running else "looks at its batch as a whole"
    with pytest.raises(cn.ConfigError, match=f"micro_batch_size: the model {message}, so"):
        train(middle(), size=size)


def test_a_loss_that_does_not_add_up_is_seen_beside_dropout():
    with pytest.raises(cn.ConfigError, match="no mean or sum"):
        train(cn.Dropout(0.3), loss=Weighted())
    with pytest.raises(cn.ConfigError, match="changes a buffer"):
        train(cn.Dropout(0.3), Running())


DRAWS = [lambda: cn.Dropout(0.3), lambda: NoiseOf(lambda: torch.rand(())), lambda: NoiseOf(random.random)]
DRAWS.append(lambda: NoiseOf(numpy.random.rand))


@pytest.mark.parametrize("middle", DRAWS)
@pytest.mark.parametrize("size", SIZES)
def test_a_model_that_draws_is_not_refused(middle, size):
    train(middle(), size=size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("loss", [cn.MSELoss, cn.MAELoss, lambda r: cn.BCELoss(reduction=r), Jittered])
def test_a_mean_and_a_sum_over_points_are_not_refused(loss, reduction, size):
    train(loss=loss(reduction), size=size)


@pytest.mark.parametrize("loss", [*BINARY, Weighted(ones=1.0)], ids=repr)
def test_a_weight_in_each_element_is_not_refused(loss):
    train(loss=loss)


def test_what_cannot_be_tried_is_left_to_the_training_to_judge():
    train(Fussy(), size=10, batch_size=10)  # no batch is cut, so nothing is tried
    with pytest.raises(cn.ShapeError, match="Fussy"):
        train(Fussy(), size=3)


def test_pieces_as_large_as_the_batches_are_the_batches():
    for size in (30, 100):
        train(Centred(), loss=Weighted(), size=size)


def test_trying_leaves_no_trace():
    def state():
        return [
            torch.get_rng_state().tolist(),
            random.getstate(),
            numpy.random.get_state(legacy=False)["state"]["key"].tolist(),
        ]

    middle = Running(), NoiseOf(lambda: torch.rand(()) + random.random() + numpy.random.rand())
    model = cn.Sequential(cn.Linear(2, 6), *middle, cn.Linear(6, 1))
    optimizer = cn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    before, drawn = [model.state_dict(), optimizer.state_dict()], state()
    with pytest.raises(cn.ConfigError):
        cn.fit(model, cn.MSELoss(), optimizer, DATA, micro_batch_size=7, **OPTIONS)
    torch.testing.assert_close([model.state_dict(), optimizer.state_dict()], before, rtol=0, atol=0)
    assert state() == drawn
    model(DATA.inputs)  # and nothing is left saved
