"""What cross-entropy refuses, because it has no number, and how it says so."""

import math

import pytest
import torch

import corenet as cn

LOGITS = torch.randn(4, 3)


@pytest.mark.parametrize(
    ("index", "shown"), [(3, 3), (7, 7), (-1, -1), (-101, -101), (2**40, 2**40)], ids=lambda each: str(each)
)
@pytest.mark.parametrize("weight", [None, torch.tensor([1.5, 0.5, 2.0])])
def test_a_class_that_the_input_has_not_is_refused_by_name(index, shown, weight):
    loss, target = cn.CrossEntropyLoss(weight), torch.tensor([0, 2, index, 1])
    message = rf"from 0 to 2, as the input has 3 classes, or ignore_index=-100; got {shown}$"
    with pytest.raises(cn.RangeError, match=message):
        loss(LOGITS, target)
    with pytest.raises(cn.BackwardError):
        loss.backward()


def test_an_ignored_index_is_none_that_is_out_of_range():
    for ignored in (-100, -1, 1, 3, 77):
        loss = cn.CrossEntropyLoss(ignore_index=ignored)
        assert loss(LOGITS, torch.tensor([0, 2, ignored, ignored])).isfinite()
    with pytest.raises(cn.RangeError, match="or ignore_index=5; got -100"):
        cn.CrossEntropyLoss(ignore_index=5)(LOGITS, torch.tensor([0, 2, 5, -100]))


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf])
def test_a_probability_outside_of_the_unit_interval_is_refused(value):
    target = torch.full((4, 3), 0.2)
    target[2, 1] = value
    with pytest.raises(cn.RangeError, match=rf"CrossEntropyLoss\(\) takes target in \[0, 1\], got {value:g}"):
        cn.CrossEntropyLoss()(LOGITS, target)


def test_a_mean_over_nothing_is_refused_and_a_sum_of_nothing_is_0():
    none, zero = torch.full((4,), -100), torch.tensor([0.0, 1.5, 2.0])
    with pytest.raises(cn.RangeError, match=r"the mean is over nothing, all targets are ignored or of weight 0"):
        cn.CrossEntropyLoss()(LOGITS, none)
    for loss, target in (
        (cn.CrossEntropyLoss(zero), [0, 0, -100, 0]),
        (cn.CrossEntropyLoss(zero), [0, 0, 0, 0]),
        (cn.CrossEntropyLoss(ignore_index=1), [1, 1, 1, 1]),
    ):
        with pytest.raises(cn.RangeError, match=r"the mean is over nothing"):
            loss(LOGITS, torch.tensor(target))
    loss = cn.CrossEntropyLoss(zero)
    assert loss(LOGITS, torch.tensor([0, 0, 1, 0])).item() == pytest.approx(-LOGITS.log_softmax(1)[2, 1].item())
    for reduction, expected in (("sum", 0.0), ("none", [0.0] * 4)):
        loss = cn.CrossEntropyLoss(reduction=reduction)
        assert loss(LOGITS, none).tolist() == expected
        assert not loss.backward().any()


def test_the_mean_of_an_empty_batch_is_refused_and_its_sum_is_0():
    for target in (torch.zeros(0, dtype=torch.int64), torch.zeros(0, 3)):
        with pytest.raises(cn.ShapeError, match=r"got \(0, 3\); the mean of an empty batch is undefined"):
            cn.CrossEntropyLoss()(torch.zeros(0, 3), target)
        loss = cn.CrossEntropyLoss(reduction="sum")
        assert loss(torch.zeros(0, 3), target).item() == 0
        assert loss.backward().shape == (0, 3)


@pytest.mark.parametrize(
    ("shape", "target", "message"),
    [
        ((4, 3), torch.zeros(4, 1, dtype=torch.int64), r"target got \(4, 1\); expected class indices of shape \(4,\)$"),
        ((4, 3), torch.zeros(1, dtype=torch.int64), r"target got \(1,\); expected class indices of shape \(4,\)$"),
        ((4, 3), torch.zeros(4, 3, dtype=torch.int64), r"or class probabilities: target\.to\(input\.dtype\)$"),
        ((4, 3, 2), torch.zeros(4, dtype=torch.int64), r"expected class indices of shape \(4, 2\)$"),
        ((3,), torch.zeros(3, dtype=torch.int64), r"expected class indices of shape \(\)"),
        ((4, 3), torch.zeros(4), r"expected probabilities in the input's shape \(4, 3\), or class indices: target\.l"),
        ((4, 3), torch.zeros(4, 1), r"expected probabilities in the input's shape"),
        ((4, 0), torch.zeros(4, dtype=torch.int64), r"expected \(N, C, \.\.\.\) with a column for each of C classes"),
        ((), torch.zeros((), dtype=torch.int64), r"expected \(N, C, \.\.\.\) with a column"),
    ],
)
def test_shapes_that_do_not_match_are_refused_never_broadcast(shape, target, message):
    with pytest.raises(cn.ShapeError, match=message):
        cn.CrossEntropyLoss()(torch.zeros(shape), target)


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 1), ()])
def test_a_weight_that_is_none_for_each_class_is_refused(shape):
    for target in (torch.tensor([0, 1, 2, 1]), torch.full((4, 3), 0.25)):
        with pytest.raises(cn.ShapeError, match=r"weight got .*; expected \(3,\), one for each class of the input"):
            cn.CrossEntropyLoss(torch.full(shape, 0.5))(LOGITS, target)


def test_dtypes_and_devices_that_do_not_match_are_refused():
    loss, target = cn.CrossEntropyLoss(), torch.tensor([0, 1, 2, 1])
    with pytest.raises(cn.DTypeError, match=r"got torch\.int64 as input; use input\.float\(\)"):
        loss(LOGITS.long(), target)
    with pytest.raises(cn.DTypeError, match=r"got torch\.bool as target; use target\.long\(\)"):
        loss(LOGITS, target.bool())
    with pytest.raises(cn.DTypeError, match=r"got list as target"):
        loss(LOGITS, [0, 1, 2, 1])
    with pytest.raises(cn.DTypeError, match=r"got torch\.float32 input and torch\.float64 target"):
        loss(LOGITS, torch.full((4, 3), 0.25).double())
    with pytest.raises(cn.DeviceError, match="input on cpu and target on meta"):
        loss(LOGITS, target.to("meta"))
    with pytest.raises(cn.ConfigError, match="input that requires grad"):
        loss(LOGITS.clone().requires_grad_(), target)
    loss.weight = torch.ones(3, device="meta")
    with pytest.raises(cn.DeviceError, match="has weight on meta and got input on cpu"):
        loss(LOGITS, target)


def test_probabilities_cannot_be_ignored():
    with pytest.raises(cn.ConfigError, match="takes class indices, not probabilities, of which none can be ignored"):
        cn.CrossEntropyLoss(ignore_index=1)(LOGITS, torch.full((4, 3), 0.25))
    assert cn.CrossEntropyLoss(ignore_index=-1)(LOGITS, torch.full((4, 3), 0.25)).isfinite()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reduction": "men"}, r"reduction must be .*did you mean 'mean'"),
        ({"ignore_index": 1.0}, "ignore_index must be an integer, not 1.0"),
        ({"ignore_index": True}, "ignore_index must be an integer, not True"),
        ({"label_smoothing": -0.1}, r"label_smoothing must be a number in \[0, 1\], not -0.1"),
        ({"label_smoothing": math.nan}, r"label_smoothing must be a number in \[0, 1\], not nan"),
        ({"label_smoothing": "0.1"}, r"label_smoothing must be a number"),
        ({"weight": [1.0, 2.0]}, "weight must be a floating-point tensor or None"),
    ],
)
def test_arguments_of_another_kind_are_refused(arguments, message):
    with pytest.raises(cn.ConfigError, match=message) as caught:
        cn.CrossEntropyLoss(**arguments)
    assert {caught.value.name: caught.value.value} == arguments
