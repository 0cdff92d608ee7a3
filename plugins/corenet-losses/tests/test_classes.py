import math

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn

from corenet_losses import MultiMarginLoss, NLLLoss

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
reductions = st.sampled_from(["mean", "sum", "none"])
sizes = st.integers(1, 4)


def drawn_weight(classes, weighted):
    return torch.rand(classes, dtype=torch.float64) + 0.1 if weighted else None


@quick
@given(
    rows=sizes,
    classes=st.integers(1, 5),
    trailing=st.lists(sizes, max_size=2),
    reduction=reductions,
    weighted=st.booleans(),
    ignored=st.sampled_from([-100, -1, 0, 2]),
)
def test_nll_equals_torch_for_all_options(agrees, rows, classes, trailing, reduction, weighted, ignored):
    input = torch.randn(rows, classes, *trailing, dtype=torch.float64).log_softmax(1)
    target = torch.randint(classes, (rows, *trailing))
    if ignored < 0:
        target.view(-1)[1:2] = ignored
    assume(bool((target != ignored).any()))
    weight = drawn_weight(classes, weighted)
    agrees(NLLLoss(weight, ignored, reduction), nn.NLLLoss(weight, None, ignored, None, reduction), input, target)


@quick
@given(
    rows=sizes,
    classes=st.integers(1, 5),
    p=st.sampled_from([1, 2]),
    margin=st.floats(-1, 2),
    reduction=reductions,
    weighted=st.booleans(),
)
def test_multi_margin_equals_torch_for_all_options(agrees, rows, classes, p, margin, reduction, weighted):
    weight = drawn_weight(classes, weighted)
    ours = MultiMarginLoss(p, margin, weight, reduction)
    theirs = nn.MultiMarginLoss(p, margin, weight, None, None, reduction)
    agrees(ours, theirs, torch.randn(rows, classes, dtype=torch.float64), torch.randint(classes, (rows,)))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_one_sample_alone_is_as_in_torch(agrees, reduction):
    input, target = torch.randn(4, dtype=torch.float64).log_softmax(0), torch.tensor(2)
    agrees(NLLLoss(reduction=reduction), nn.NLLLoss(reduction=reduction), input, target)
    agrees(MultiMarginLoss(2, reduction=reduction), nn.MultiMarginLoss(2, reduction=reduction), input, target)


def test_an_ignored_row_may_be_infinite():
    loss = NLLLoss()
    value = loss(torch.tensor([[-math.inf, 0.0], [-1.0, -2.0]]), torch.tensor([-100, 1]))
    assert value.item() == 2
    assert loss.backward().tolist() == [[0, 0], [0, -1]]


def test_weights_move_with_the_loss_and_no_later_change_reaches_them():
    weight = torch.tensor([1.0, 3.0])
    loss = NLLLoss(weight).to(dtype=torch.float64)
    weight.fill_(9)
    assert loss.weight.tolist() == [1, 3]
    assert loss.weight.dtype == torch.float64


def test_what_outputs_mean():
    output = torch.tensor([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]]).log()
    assert NLLLoss().predictions(output).tolist() == MultiMarginLoss().predictions(output).tolist() == [1, 0]
    assert NLLLoss().probabilities(output)[0].tolist() == pytest.approx([0.2, 0.5, 0.3])
    with pytest.raises(cn.ConfigError, match="they are no probabilities"):
        MultiMarginLoss().probabilities(output)


def test_half_precision_is_computed_in_float32():
    input, target = torch.randn(5, 3).half(), torch.tensor([0, 1, 2, 2, 1])
    for loss in (NLLLoss(), MultiMarginLoss(2)):
        value = loss(input, target)
        assert (value.dtype, loss.backward().dtype) == (torch.float32, torch.float16)
        assert value.item() == type(loss)(*([2] if isinstance(loss, MultiMarginLoss) else []))(input.float(), target)


def test_a_mean_that_weighs_points_differently_says_so():
    target = torch.tensor([0, 1, 1])
    weight = torch.tensor([1.0, 2.0])
    assert NLLLoss().weighs_points_alike(target)
    assert not NLLLoss(weight).weighs_points_alike(target)
    assert not NLLLoss(ignore_index=0).weighs_points_alike(target)
    assert NLLLoss(weight, reduction="sum").weighs_points_alike(target)
    assert NLLLoss(weight).weighs_points_alike(torch.tensor([1, 1]))
    assert not NLLLoss(weight, ignore_index=255).weighs_points_alike(torch.tensor([1, 255]))
    assert MultiMarginLoss(weight=weight).weighs_points_alike(target)


@pytest.mark.parametrize("make", [NLLLoss, MultiMarginLoss])
@pytest.mark.parametrize("index", [-1, 3])
def test_a_class_that_is_none_is_named(make, index):
    with pytest.raises(cn.RangeError) as caught:
        make()(torch.randn(2, 3), torch.tensor([0, index]))
    assert str(caught.value) == (
        f"{make.__name__}() takes class indices from 0 to 2, as the input has 3 classes; got {index}"
    )


@pytest.mark.parametrize("loss", [NLLLoss(ignore_index=1), NLLLoss(torch.tensor([1.0, 0.0, 1.0]))], ids=repr)
def test_a_mean_over_nothing_is_refused(loss):
    with pytest.raises(cn.RangeError, match="the mean is over nothing, all targets are ignored or of weight 0"):
        loss(torch.randn(2, 3), torch.tensor([1, 1]))


@pytest.mark.parametrize(
    ("input", "target", "error", "message"),
    [
        (
            torch.randn(2, 3),
            torch.tensor([0]),
            cn.ShapeError,
            r"target got \(1,\); expected class indices of shape \(2,\)",
        ),
        (
            torch.randn(2, 3),
            torch.tensor([0.0, 1.0]),
            cn.DTypeError,
            r"takes class indices, got torch\.float32 as target",
        ),
        (
            torch.ones(2, 3).int(),
            torch.tensor([0, 1]),
            cn.DTypeError,
            r"floating-point input, got torch\.int32",
        ),
        (torch.randn(0, 3), torch.zeros(0).long(), cn.ShapeError, "the mean of an empty batch is undefined"),
        (torch.tensor(1.0), torch.tensor(0), cn.ShapeError, "with a column for each of C classes"),
    ],
)
@pytest.mark.parametrize("make", [NLLLoss, MultiMarginLoss])
def test_what_does_not_fit_is_refused(make, input, target, error, message):
    with pytest.raises(error, match=message):
        make()(input, target)


def test_multi_margin_takes_no_further_dimension():
    with pytest.raises(cn.ShapeError, match=r"got \(2, 3, 4\); expected \(N, C\), or \(C,\)"):
        MultiMarginLoss()(torch.randn(2, 3, 4), torch.zeros(2, 4).long())


@pytest.mark.parametrize("make", [NLLLoss, MultiMarginLoss])
def test_a_weight_of_another_number_of_classes_is_refused(make):
    with pytest.raises(cn.ShapeError, match=r"weight got \(2,\); expected \(3,\), one for each class"):
        make(weight=torch.ones(2))(torch.randn(2, 3), torch.tensor([0, 1]))


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: NLLLoss(reduction="avg"), cn.ConfigError, r"^NLLLoss: reduction must be 'mean', 'sum' or 'none', not"),
        (lambda: NLLLoss(ignore_index=1.5), cn.ConfigError, r"^NLLLoss: ignore_index must be an integer, not 1\.5$"),
        (lambda: NLLLoss([1.0]), cn.ConfigError, r"^NLLLoss: weight must be a floating-point tensor of one dimension"),
        (lambda: NLLLoss(torch.tensor([math.nan])), cn.RangeError, r"^NLLLoss: weight must be finite, got nan$"),
        (lambda: MultiMarginLoss(p=3), cn.ConfigError, r"^MultiMarginLoss: p must be 1 or 2, not 3$"),
        (
            lambda: MultiMarginLoss(margin=None),
            cn.ConfigError,
            r"^MultiMarginLoss: margin must be a finite number, not",
        ),
    ],
)
def test_wrong_settings_are_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()
