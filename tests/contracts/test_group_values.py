"""What groups read of their optimizer, what they may be given later, and parameters that none of them has."""

import copy
import math
from types import SimpleNamespace

import pytest
import torch

import corenet as cn
from corenet.contracts.groups import having


def test_a_group_reads_what_it_does_not_name_of_its_optimizer_and_may_change_it():
    a, b = (cn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer = cn.SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.2, momentum=0.9)
    for group in optimizer.groups:
        group["lr"] *= 0.5
    assert [group["lr"] for group in optimizer.groups] == [0.1, 0.25]
    assert [group["momentum"] for group in optimizer.groups] == [0.9, 0.9]
    assert [group.own for group in optimizer.groups] == [{"lr": 0.1}, {"lr": 0.25}]
    with pytest.raises(AttributeError):
        optimizer.groups.append({"params": [b]})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (cn.SGD, "momentum", -1),
        (cn.SGD, "momentum", math.nan),
        (cn.SGD, "momentum", "a"),
        (cn.SGD, "weight_decay", -3),
        (cn.SGD, "dampening", None),
        (cn.SGD, "nesterov", True),
        (cn.Adam, "betas", (2.0, 3.0)),
        (cn.Adam, "lr", -1),
    ],
)
def test_what_the_constructor_refuses_is_refused_of_a_group_at_any_time(kind, name, value):
    optimizer = copy.deepcopy(kind([cn.Parameter(torch.ones(2))], lr=0.1))
    before = optimizer.groups[0][name]
    with pytest.raises(cn.CorenetError):
        optimizer.groups[0][name] = value
    with pytest.raises(cn.CorenetError):
        optimizer.groups[0].update({name: value})
    assert optimizer.groups[0].own == {}
    assert optimizer.groups[0][name] == before


def test_a_parameter_that_no_group_has_is_named():
    model, data = cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1)), cn.data.disk(20, seed=0)
    groups = [{"params": model[0].parameters()}, {"params": [model[2].bias], "lr": 0.01}]
    options = {"epochs": 1, "batch_size": 10, "progress": False}
    with pytest.raises(cn.StructureError, match=r"no group of SGD.* has 2\.weight; add it to one, or freeze its"):
        cn.fit(model, cn.MSELoss(), cn.SGD(groups, lr=0.1), data, **options)
    model[2].freeze()
    optimizer = cn.SGD([{"params": model[0].weight}, {"params": model[0].bias}], lr=0.1)
    cn.fit(model, cn.MSELoss(), optimizer, data, **options)


def test_a_value_that_is_taken_back_is_the_optimizers_again():
    optimizer = cn.SGD([{"params": [cn.Parameter(torch.ones(2))], "lr": 0.5, "momentum": 0.5}], lr=0.2, momentum=0.9)
    (group,) = optimizer.groups
    del group["lr"]
    assert (group["lr"], group["momentum"], group.own) == (0.2, 0.5, {"momentum": 0.5})
    optimizer.lr = 0.1
    assert group["lr"] == 0.1


def test_attributes_are_had_for_a_while_those_that_were_not_there_too():
    owner = SimpleNamespace(lr=0.1)
    with having(owner, {"lr": 0.3, "decay": 2}):
        assert vars(owner) == {"lr": 0.3, "decay": 2}
    assert vars(owner) == {"lr": 0.1}
