"""A batch in pieces takes the same step as the whole."""

import pytest
import torch

import corenet as cn

DATA = cn.data.disk(70, seed=0)
OPTIONS = {"epochs": 3, "batch_size": 30, "progress": False}  # 30, 30 and 10 points


def parts(loss):
    torch.manual_seed(0)
    model = cn.Sequential(cn.Linear(2, 6), cn.ReLU(), cn.Linear(6, 1), cn.Sigmoid())
    return model, loss, cn.SGD(model.parameters(), lr=0.05, momentum=0.9)


LOSSES = [cn.MSELoss(), cn.MSELoss("sum"), cn.MSELoss("none"), cn.BCELoss(), cn.BCEWithLogitsLoss()]


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("size", [1, 7, 30, 100])
def test_a_training_in_pieces_is_the_whole_one(loss, size):
    whole, pieces = parts(loss), parts(loss)
    told = cn.fit(*whole, DATA, engine="plain", **OPTIONS)
    found = cn.fit(*pieces, DATA, engine="plain", micro_batch_size=size, **OPTIONS)
    torch.testing.assert_close(pieces[0].state_dict(), whole[0].state_dict())
    assert found.losses == pytest.approx(told.losses, rel=1e-5)


def test_no_piece_is_larger_than_asked_for():
    tried_too = []

    class Watch(cn.Module):
        def __init__(self):
            self.seen = []

        def forward(self, input):
            self.seen.append(len(input))
            tried_too.append(len(input))
            return input.clone()

        def backward(self, grad_output):
            return grad_output

    model = cn.Sequential(Watch(), cn.Linear(2, 1))
    cn.fit(model, cn.MSELoss(), cn.SGD(model.parameters(), lr=0.1), DATA, micro_batch_size=8, **OPTIONS | {"epochs": 1})
    assert model[0].seen == [8, 8, 8, 6, 8, 8, 8, 6, 8, 2]
    assert max(tried_too) == 8


def test_numbers_that_are_not_finite_stop_it_before_the_write():
    model, loss, optimizer = parts(cn.MSELoss())
    model[2].bias.fill_(torch.inf)
    before = model.state_dict()
    with pytest.raises(cn.NonFiniteError):
        cn.fit(model, loss, optimizer, DATA, micro_batch_size=8, **OPTIONS)
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize("size", [0, -1, 1.5, True])
def test_a_size_is_a_positive_integer(size):
    with pytest.raises(cn.ConfigError, match="micro_batch_size must be an integer ≥ 1"):
        cn.fit(*parts(cn.MSELoss()), DATA, micro_batch_size=size, **OPTIONS)


def test_a_recording_takes_no_pieces():
    with pytest.raises(cn.ConfigError, match="engine 'replay' keeps all of a batch"):
        cn.fit(*parts(cn.MSELoss()), DATA, engine="replay", micro_batch_size=8, **OPTIONS)
