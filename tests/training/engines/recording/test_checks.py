"""The loss looks at the outputs of many steps as at those of one after the other."""

import pytest
import torch

import corenet as cn
from corenet.training.engines.recording.checks import check_all


class Spied(cn.BCELoss):
    def __init__(self):
        super().__init__()
        self.seen = []

    def check(self, input, target):
        self.seen.append(tuple(input.shape))
        super().check(input, target)


def outputs(*wrong):
    """Return outputs and targets of three batches of two points, with numbers in place of some."""
    found = torch.full((3, 2, 1), 0.5)
    for place, value in wrong:
        found.view(-1)[place] = value
    return found, torch.ones(3, 2, 1)


def test_elements_are_looked_at_at_once():
    loss = Spied()
    check_all(loss, *outputs())
    assert loss.seen == [(6, 1)]


def test_the_first_batch_that_is_refused_is_named():
    loss = Spied()
    with pytest.raises(cn.RangeError, match=r"got 2$"):
        check_all(loss, *outputs((5, 3.0), (3, 2.0)))
    assert loss.seen == [(6, 1), (2, 1), (2, 1)]


class Whole(cn.Loss):
    """Takes batches of two points, whose sum it looks at."""

    def __init__(self):
        self.sums = []

    def check(self, input, target):
        if len(input) != 2 or len(target) != 2:
            raise cn.ShapeError("Whole()", input.shape, "expected two points")
        self.sums.append(float(input.sum() + target.sum()))


def test_any_other_loss_sees_batch_by_batch_with_its_targets():
    loss = Whole()
    check_all(loss, torch.arange(6.0).reshape(3, 2, 1), torch.arange(0.0, 60.0, 10.0).reshape(3, 2, 1))
    assert loss.sums == [0 + 1 + 0 + 10, 2 + 3 + 20 + 30, 4 + 5 + 40 + 50]


class OfTwo(cn.MSELoss):
    def check(self, input, target):
        super().check(input, target)
        if len(input) > 2:
            raise cn.ShapeError("OfTwo()", input.shape, "too many")


def test_a_loss_of_elements_that_refuses_many_batches_at_once_sees_each():
    check_all(OfTwo(), *outputs())
    with pytest.raises(cn.ShapeError, match="too many"):
        check_all(OfTwo(), torch.zeros(2, 3, 1), torch.zeros(2, 3, 1))


class Raises(cn.MSELoss):
    def check(self, input, target):
        raise ZeroDivisionError("a bug of its own")


def test_what_is_no_refusal_is_raised_as_it_is():
    with pytest.raises(ZeroDivisionError, match="a bug of its own"):
        check_all(Raises(), *outputs())


class SpiedClasses(cn.CrossEntropyLoss):
    def __init__(self):
        super().__init__()
        self.seen = []

    def check_values(self, input, target):
        self.seen.append((tuple(input.shape), tuple(target.shape)))
        super().check_values(input, target)


def test_classes_are_looked_at_at_once_and_the_first_batch_that_is_refused_is_named():
    loss, logits, classes = SpiedClasses(), torch.randn(3, 4, 5, 2), torch.randint(5, (3, 4, 2))
    check_all(loss, logits, classes)
    assert loss.seen == [((12, 5, 2), (12, 2))]
    classes[2, 0, 1], classes[1, 3, 0] = 7, 6
    with pytest.raises(cn.RangeError, match=r"got 6$"):
        check_all(loss, logits, classes)
    assert loss.seen[1:] == [((12, 5, 2), (12, 2)), ((4, 5, 2), (4, 2)), ((4, 5, 2), (4, 2))]
