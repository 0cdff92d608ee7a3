"""What a recording takes for granted, and what makes two models of one kind."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.recording.guards import kind_of, surroundings


def network():
    return cn.Sequential(cn.Linear(2, 3), cn.Dropout(0.5), cn.Linear(3, 1))


def set_p(model):
    model[1].p = 0.4


def replace_weight(model):
    model[0].weight = cn.Parameter(model[0].weight)


def move_weight(model):
    model[0].weight.data = model[0].weight.data.clone()


def replace_gradient(model):
    model[0].weight.grad = torch.zeros(3, 2)


CHANGES = [set_p, replace_weight, move_weight, replace_gradient, lambda model: model.eval()]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(change):
    model, loss = network(), cn.MSELoss()
    before = surroundings(model, loss)
    assert surroundings(model, loss) == before
    change(model)
    assert surroundings(model, loss) != before


def test_a_change_of_the_loss_is_seen():
    model, loss = network(), cn.MSELoss()
    before = surroundings(model, loss)
    loss.reduction = "sum"
    assert surroundings(model, loss) != before


def test_a_training_step_changes_nothing():
    model, loss = network(), cn.MSELoss()
    optimizer = cn.SGD(model.parameters(), lr=0.1)
    before = surroundings(model, loss)
    cn.train_step(model, loss, optimizer, torch.randn(4, 2), torch.randn(4, 1))
    assert surroundings(model, loss) == before


def test_models_that_differ_in_their_numbers_are_of_one_kind():
    assert kind_of(network()) == kind_of(network())
    assert kind_of(cn.Linear(2, 3)) != kind_of(cn.Linear(2, 3, bias=False))
    assert kind_of(cn.Dropout(0.5)) != kind_of(cn.Dropout(0.4))
    assert kind_of(cn.Tanh()) != kind_of(cn.ReLU())
    assert kind_of(cn.MSELoss()) != kind_of(cn.MSELoss("sum"))
    assert kind_of(cn.Linear(2, 3)) != kind_of(cn.Linear(2, 3, dtype=torch.float64))
