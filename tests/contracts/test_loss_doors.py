"""What a loss may say of itself: how it looks at numbers, where its classes are, what its mean is over."""

import pytest
import torch

import corenet as cn
from corenet.contracts.value_checks import asked_by


class Told(cn.Loss):
    """Tells what is called, in its order."""

    def __init__(self):
        self.calls = []

    def check(self, input, target):
        self.calls.append("check")

    def check_values(self, input, target):
        self.calls.append("check_values")
        if input.isnan().any():
            raise cn.RangeError("not a number")

    def forward(self, input, target):
        self.calls.append("forward")
        self.save(input - target)
        return (input - target).sum()

    def backward(self):
        return torch.ones_like(*self.saved())


def test_numbers_are_looked_at_after_the_shapes_and_before_the_forward():
    loss = Told()
    loss(torch.rand(3), torch.rand(3))
    assert loss.calls == ["check", "check_values", "forward"]


def test_numbers_that_are_refused_leave_nothing_to_go_back_from():
    loss = Told()
    loss(torch.rand(3), torch.rand(3))
    with pytest.raises(cn.RangeError, match="not a number"):
        loss(torch.tensor([torch.nan]), torch.rand(1))
    assert loss.calls[-1] == "check_values"
    with pytest.raises(cn.BackwardError):
        loss.backward()


def test_whoever_records_asks_in_its_own_way():
    loss, asked = Told(), []
    input, target = torch.tensor([torch.nan]), torch.rand(1)
    with asked_by(lambda part, inputs: asked.append((part, *inputs))):
        loss(input, target)
    assert loss.calls == ["check", "forward"]
    ((part, *inputs),) = asked
    assert part is loss
    assert inputs[0] is input
    assert inputs[1] is target


def test_a_loss_that_looks_at_no_numbers_is_not_asked():
    asked = []
    with asked_by(lambda part, inputs: asked.append(part)):
        cn.MSELoss()(torch.rand(3), torch.rand(3))
        cn.BCELoss()(torch.rand(3), torch.rand(3))
    assert list(map(type, asked)) == [cn.BCELoss]


def test_a_loss_of_values_has_no_classes_and_ignores_nothing():
    loss = cn.MSELoss()
    assert (loss.class_dim, loss.ignore_index) == (None, None)
    assert loss.weighs_points_alike(torch.rand(3))
    assert (cn.Loss.checks_points_alone, loss.checks_points_alone) == (False, True)


@pytest.mark.parametrize(
    ("options", "target", "alike"),
    [
        ({}, [0, 1, 2], True),
        ({}, [0, 1, -100], False),
        ({}, [-100, -100], True),
        ({"ignore_index": 2}, [0, 1, 2], False),
        ({"weight": torch.tensor([1.5, 1.5, 1.5])}, [0, 1, 2], True),
        ({"weight": torch.tensor([1.5, 1.5, 0.5])}, [0, 1, 2], False),
        ({"weight": torch.tensor([1.5, 1.5, 0.5])}, [0, 1, 1], True),
        ({"weight": torch.tensor([1.5, 1.5, 0.5]), "reduction": "sum"}, [0, 1, 2], True),
        ({"reduction": "none"}, [0, 1, -100], True),
        ({"weight": torch.tensor([1.5, 1.5, 0.5])}, [[0.2, 0.3, 0.5], [0.9, 0.1, 0.0]], True),
        ({}, [[0, -100], [-100, 1]], True),
        ({}, [[0, -100], [1, 1]], False),
        ({"weight": torch.tensor([1.0, 2.0, 4.0])}, [[0, 2], [2, 0]], True),
        ({"weight": torch.tensor([1.0, 2.0, 4.0])}, [[0, 2], [1, 2]], False),
        ({"weight": torch.tensor([1.0, 2.0, 4.0])}, [0, 5], False),
    ],
)
def test_where_cross_entropy_weighs_points_alike(options, target, alike):
    assert cn.CrossEntropyLoss(**options).weighs_points_alike(torch.tensor(target)) is alike
