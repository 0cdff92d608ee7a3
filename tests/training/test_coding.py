"""How targets code classes, and what is read from outputs by each coding."""

import pytest
import torch

import corenet as cn
from corenet.training.coding import coding_of, refuse_no_classes
from corenet.training.codings import Indices, OneHot, TwoValues

ONE_HOT = [[1.0, 0.0], [0.0, 1.0]]


def found(targets, output_shape=None, *others):
    """Return the coding of ``targets`` beside an output of their shape, or of another."""
    targets = torch.as_tensor(targets)
    output = torch.zeros(targets.shape if output_shape is None else output_shape)
    return coding_of(targets, output, *map(torch.as_tensor, others))


@pytest.mark.parametrize(
    ("targets", "shape", "expected"),
    [
        ([0.0, 1.0, 1.0], None, TwoValues(0, 1)),
        ([[-1.0], [1.0], [1.0]], None, TwoValues(-1, 1)),
        ([2.0, 3.0, 2.0], None, TwoValues(2, 3)),
        ([[0, 1], [1, 0]], (2, 2), OneHot(2)),
        (ONE_HOT, None, OneHot(2)),
        ([0, 1, 0], None, TwoValues(0, 1)),
        ([True, False], None, TwoValues(0, 1)),
        ([0, 1, 0], (3, 2), Indices(2)),
        ([[0], [1], [0]], (3, 2), Indices(2, in_column=True)),
        ([[0], [1], [0]], (3, 1, 2), Indices(2)),
        ([0, 2, 0], (3, 7), Indices(7)),
        ([1, 1], (2, 2), Indices(2)),
        ([[0, 2, 1]], (1, 3, 4), Indices(4)),
        ([0.0], None, TwoValues(0, 1)),
        ([1.0, 1.0], None, TwoValues(0, 1)),
        ([-1.0, -1.0], None, TwoValues(-1, 1)),
    ],
)
def test_the_coding_of_targets(targets, shape, expected):
    assert found(targets, shape) == expected


@pytest.mark.parametrize(
    ("targets", "shape"),
    [
        ([0.0, 0.5, 1.0], None),
        ([[0.3], [1.7], [2.0]], None),
        ([[1.0, 0.0], [1.0, 1.0]], None),
        ([[0.0, 0.0], [0.0, 1.0]], None),
        ([[0.3, 1.0], [0.0, 1.0]], None),
        ([0, 1, 2], None),
        ([0, 1, 2], (3, 2)),
        ([-100, 1, 0], (3, 2)),
        ([0.0, 1.0, 2.0], (3, 3)),
        ([1j, 2j], None),
    ],
)
def test_values_are_no_classes(targets, shape):
    with pytest.raises(cn.DataError, match="error_rate needs classes: targets of two values"):
        found(targets, shape)


@pytest.mark.parametrize("targets", [[4.0, 4.0, 4.0], [[0.3]]])
def test_one_value_other_than_0_and_1_and_minus_1_says_nothing_of_classes(targets):
    with pytest.raises(cn.DataError, match=r"cannot tell the classes apart: every target is (4|0\.3)"):
        found(targets)


def test_the_other_class_of_targets_of_one_class_is_looked_up():
    assert found([1.0, 1.0], None, [1.0, -1.0]) == TwoValues(-1, 1)
    assert found([5.0, 5.0], None, [4.0, 5.0]) == TwoValues(4, 5)
    assert found([1.0, 1.0], None, [1.0]) == TwoValues(0, 1)
    assert found([-1.0, 1.0], None, [1.0]) == TwoValues(-1, 1)


@pytest.mark.parametrize(
    ("targets", "other"), [([0.0, 1.0], [0.5]), ([0.0, 1.0], [-1.0]), (ONE_HOT, [[1.0, 1.0]]), (ONE_HOT, [[1, 0, 0]])]
)
def test_other_targets_are_of_the_same_coding_or_refused(targets, other):
    with pytest.raises(cn.DataError, match="the validation targets are other than the training targets, which are"):
        found(targets, None, other)
    found(targets, None, targets[:1])


def test_indices_are_known_by_the_columns_of_the_output_alone():
    refuse_no_classes(torch.tensor([0, 1, 5]))
    with pytest.raises(cn.DataError):
        refuse_no_classes(torch.tensor([0.0, 1.0, 5.0]))
    with pytest.raises(cn.DataError):
        refuse_no_classes(torch.tensor([0.0, 1.0]), torch.tensor([0.5]))


NAN = torch.nan


@pytest.mark.parametrize(
    ("coding", "targets", "output", "expected"),
    [
        (TwoValues(0, 1), [0.0, 1.0, 0.0, 1.0], [0.5, 0.5, NAN, NAN], [True, False, False, False]),
        (TwoValues(-1, 1), [-1.0, 1.0, -1.0], [-0.1, 0.1, 0.1], [True, True, False]),
        (OneHot(2), ONE_HOT, [[9.0, 2.0], [0.3, 0.2]], [True, False]),
        (OneHot(2), ONE_HOT, [[NAN, 2.0], [0.3, NAN]], [False, False]),
        (Indices(3), [2, 0, 1], [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [0.0, NAN, -1.0]], [True, False, False]),
        (Indices(2, in_column=True), [[1], [0]], [[1.0, 2.0], [1.0, 2.0]], [True, False]),
        (Indices(2), [[1, 0]], [[[1.0, 2.0], [1.0, 2.0]]], [[True, False]]),
    ],
)
def test_which_outputs_are_right(coding, targets, output, expected):
    targets, output = torch.tensor(targets), torch.tensor(output)
    assert coding.right(output, output, coding.classes(targets)).tolist() == expected
    assert coding.output_shape(targets) == output.shape


@pytest.mark.parametrize(("coding", "targets"), [(OneHot(3), [[0.0, 0.0, 1.0]]), (Indices(3), [2])])
def test_a_class_that_a_loss_predicts_goes_before_the_largest_column(coding, targets):
    output, targets = torch.tensor([[9.0, 0.0, 0.0]]), torch.tensor(targets)
    assert coding.read(output, torch.tensor([2])).tolist() == [2]
    assert coding.right(output, torch.tensor([2]), coding.classes(targets)).tolist() == [True]
    assert coding.right(output, output, coding.classes(targets)).tolist() == [False]
