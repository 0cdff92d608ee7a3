import math

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from corenet_losses import CosineEmbeddingLoss, TripletMarginLoss

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
shapes = st.lists(st.integers(1, 5), min_size=1, max_size=2)
reductions = st.sampled_from(["mean", "sum", "none"])


def vectors(count, shape):
    return tuple(torch.randn(shape, dtype=torch.float64) for _ in range(count))


@quick
@given(shape=shapes, margin=st.floats(-1, 1), reduction=reductions, integers=st.booleans())
def test_cosine_equals_torch_for_all_options(agrees, shape, margin, reduction, integers):
    target = 2 * torch.randint(2, shape[:-1]) - 1
    target = target if integers else target.double()
    theirs = nn.CosineEmbeddingLoss(margin, None, None, reduction)
    agrees(CosineEmbeddingLoss(margin, reduction), theirs, vectors(2, shape), target)


def test_right_angles_and_zeros_are_as_in_torch(agrees):
    a = torch.tensor([[1.0, 0.0], [0.0, 0.0], [2.0, 0.0]]).double()
    b = torch.tensor([[0.0, 3.0], [1.0, 2.0], [0.0, -1.0]]).double()
    agrees(CosineEmbeddingLoss(), nn.CosineEmbeddingLoss(), (a, b), torch.tensor([-1, 1, -1]))


@quick
@given(
    shape=shapes,
    margin=st.floats(0.1, 2),
    p=st.sampled_from([1, 1.5, 2, 3, math.inf]),
    eps=st.sampled_from([1e-6, 0.1]),
    swap=st.booleans(),
    reduction=reductions,
)
def test_triplet_equals_torch_for_all_options(agrees, shape, margin, p, eps, swap, reduction):
    theirs = nn.TripletMarginLoss(margin, p, eps, swap, None, None, reduction)
    agrees(TripletMarginLoss(margin, p, eps, swap, reduction), theirs, vectors(3, shape), None)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_equal_distances_and_no_distance_are_as_in_torch(agrees, p):
    anchor, negative = vectors(2, (4, 3))
    settings = {"margin": 5.0, "p": p, "eps": 0.0, "swap": True}
    agrees(TripletMarginLoss(**settings), nn.TripletMarginLoss(**settings), (anchor, anchor.clone(), negative), None)


def test_the_largest_difference_shares_its_slope_among_equal_ones(agrees):
    triplet = tuple(torch.tensor([each]).double() for each in ([0.0, 0.0], [1.0, -1.0], [3.0, 2.0]))
    settings = {"margin": 5.0, "p": math.inf, "eps": 0.0}
    agrees(TripletMarginLoss(**settings), nn.TripletMarginLoss(**settings), triplet, None)


@pytest.mark.parametrize("target", [None, torch.zeros(4), torch.arange(4)], ids=["none", "zeros", "labels"])
def test_the_target_of_a_triplet_is_not_looked_at(target):
    triplet = vectors(3, (4, 3))
    assert TripletMarginLoss()(triplet, target).item() == nn.TripletMarginLoss()(*triplet).item()


@pytest.mark.parametrize(
    ("loss", "count", "target"),
    [
        (CosineEmbeddingLoss(0.3), 2, torch.tensor([1.0, -1.0, -1.0, 1.0])),
        (TripletMarginLoss(2.0, swap=True), 3, torch.zeros(4)),
    ],
    ids=["cosine", "triplet"],
)
def test_every_gradient_agrees_with_differences(loss, count, target):
    assert cn.gradcheck(loss, tuple(torch.randn(4, 3) for _ in range(count)), target).ok


def test_half_precision_is_computed_in_float32():
    pair = torch.randn(4, 3).half(), torch.randn(4, 3).half()
    for loss, input, target in (
        (CosineEmbeddingLoss(), pair, torch.tensor([1, -1, 1, -1])),
        (TripletMarginLoss(), (*pair, torch.randn(4, 3).half()), None),
    ):
        value = loss(input, target)
        assert value.dtype == torch.float32
        assert {each.dtype for each in loss.backward()} == {torch.float16}
        assert value.item() == type(loss)()(tuple(each.float() for each in input), target).item()


@pytest.mark.parametrize("wrong", [0.0, 0.5, math.nan])
def test_targets_of_cosine_are_signs(wrong):
    with pytest.raises(
        cn.RangeError, match=rf"CosineEmbeddingLoss\(\) takes targets -1 and 1, got {wrong:g}; of 0 and 1"
    ):
        CosineEmbeddingLoss()((torch.ones(2, 3), torch.ones(2, 3)), torch.tensor([1.0, wrong]))


ONES = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("input", "target", "error", "message"),
    [
        (ONES, torch.ones(2), cn.StructureError, r"takes a tuple \(a, b\) as input, got none"),
        ((ONES, ONES[:1]), torch.ones(2), cn.ShapeError, r"b got \(1, 3\); expected the shape of a, \(2, 3\)"),
        ((ONES, ONES.double()), torch.ones(2), cn.DTypeError, r"got torch\.float32 a and torch\.float64 b"),
        ((ONES, ONES.int()), torch.ones(2), cn.DTypeError, r"floating-point b, got torch\.int32; use b\.float\(\)"),
        (
            (ONES, ONES),
            torch.ones(2, 1),
            cn.ShapeError,
            r"target got \(2, 1\); expected \(2,\), a number for each pair",
        ),
        ((ONES, ONES), torch.ones(2, dtype=torch.bool), cn.DTypeError, r"takes targets -1 and 1, got torch\.bool"),
        ((ONES[None], ONES[None]), torch.ones(1, 2), cn.ShapeError, r"got \(1, 2, 3\); expected \(N, D\), or \(D,\)"),
        ((ONES[:0], ONES[:0]), torch.ones(0), cn.ShapeError, "the mean of an empty batch is undefined"),
    ],
)
def test_what_does_not_fit_is_refused(input, target, error, message):
    with pytest.raises(error, match=message):
        CosineEmbeddingLoss()(input, target)


def test_a_triplet_is_three():
    with pytest.raises(cn.StructureError, match=r"takes a tuple \(anchor, positive, negative\) .*, got a tuple of 2"):
        TripletMarginLoss()((ONES, ONES), None)
    with pytest.raises(cn.ShapeError, match=r"negative got \(1, 3\); expected the shape of anchor, \(2, 3\)"):
        TripletMarginLoss()((ONES, ONES, ONES[:1]), None)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CosineEmbeddingLoss(1.5), r"margin must lie in \[-1, 1\], as a cosine does, not 1\.5$"),
        (lambda: TripletMarginLoss(0), r"^TripletMarginLoss: margin must be a finite number > 0, not 0$"),
        (lambda: TripletMarginLoss(p=0.5), r"^TripletMarginLoss: p must be a finite number ≥ 1, not 0\.5$"),
        (lambda: TripletMarginLoss(eps=-1), r"^TripletMarginLoss: eps must be a finite number ≥ 0, not -1$"),
        (lambda: TripletMarginLoss(reduction=True), r"^TripletMarginLoss: reduction must be 'mean', 'sum' or 'none'"),
    ],
)
def test_wrong_settings_are_refused(build, message):
    with pytest.raises(cn.ConfigError, match=message):
        build()
