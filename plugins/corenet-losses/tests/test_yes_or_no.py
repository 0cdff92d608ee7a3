import math

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn import functional

from corenet_losses import FocalLoss, HingeLoss

quick = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
shapes = st.lists(st.integers(1, 5), max_size=4)
reductions = st.sampled_from(["mean", "sum", "none"])


def reduced(values, reduction):
    return {"mean": torch.mean, "sum": torch.sum, "none": torch.clone}[reduction](values)


def signs(shape):
    return 2 * torch.randint(2, shape).double() - 1


def hinge(margin, reduction):
    return lambda input, target: reduced(torch.relu(margin - target * input), reduction)


def focal(alpha, gamma, reduction):
    """Return the loss as torchvision's sigmoid_focal_loss has it."""

    def loss(input, target):
        p = torch.sigmoid(input)
        entropy = functional.binary_cross_entropy_with_logits(input, target, reduction="none")
        p_t = p * target + (1 - p) * (1 - target)
        values = entropy * (1 - p_t) ** gamma
        if alpha >= 0:
            values = (alpha * target + (1 - alpha) * (1 - target)) * values
        return reduced(values, reduction)

    return loss


@quick
@given(shape=shapes, margin=st.floats(-1, 3), reduction=reductions)
def test_hinge_equals_its_formula(agrees, shape, margin, reduction):
    agrees(HingeLoss(margin, reduction), hinge(margin, reduction), 2 * torch.randn(shape).double(), signs(shape))


def test_hinge_has_no_slope_at_its_kink():
    loss = HingeLoss(0.5, "sum")
    assert loss(torch.tensor([0.5, -0.5, 0.0]), torch.tensor([1.0, -1.0, 1.0])).item() == 0.5
    assert loss.backward().tolist() == [0.0, 0.0, -1.0]


@quick
@given(
    shape=shapes,
    alpha=st.one_of(st.just(-1.0), st.floats(0, 1)),
    gamma=st.sampled_from([0.0, 0.5, 1.0, 1.7, 2.0, 5.0]),
    reduction=reductions,
    soft=st.booleans(),
)
def test_focal_equals_torchvision_for_hard_and_soft_targets(agrees, shape, alpha, gamma, reduction, soft):
    target = torch.rand(shape, dtype=torch.float64) if soft else torch.randint(2, shape).double()
    agrees(FocalLoss(alpha, gamma, reduction), focal(alpha, gamma, reduction), 2 * torch.randn(shape).double(), target)


def test_focal_without_focus_and_weights_is_binary_cross_entropy():
    input, target = torch.randn(5, 3), torch.rand(5, 3)
    assert FocalLoss(-1, 0)(input, target).item() == pytest.approx(cn.BCEWithLogitsLoss()(input, target).item())


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_stays_finite_far_out(gamma):
    loss = FocalLoss(gamma=gamma, reduction="none")
    input = torch.tensor([-1e4, -1e4, 1e4, 1e4])
    value = loss(input, torch.tensor([0.0, 1.0, 0.0, 1.0]))
    assert value.tolist() == pytest.approx([0, 2500, 7500, 0])
    assert loss.backward().tolist() == pytest.approx([0, -0.25, 0.75, 0])


def test_focal_keeps_its_digits_where_a_confident_answer_is_right():
    loss = FocalLoss(-1, 2, "sum")
    loss(torch.tensor([40.0], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64))
    assert loss.backward().item() == pytest.approx(-3 * math.exp(-120), rel=1e-12)


@pytest.mark.parametrize("make", [HingeLoss, FocalLoss])
def test_predictions_are_the_classes_of_the_targets(make):
    low = -1.0 if make is HingeLoss else 0.0
    found = make().predictions(torch.tensor([-0.1, 0.0, 0.1, math.nan]))
    assert found[:3].tolist() == [low, low, 1.0]
    assert found[3].isnan()


def test_focal_probabilities_are_those_of_a_1():
    assert FocalLoss().probabilities(torch.tensor([0.0, math.log(3)])).tolist() == pytest.approx([0.5, 0.75])


def test_constructors_have_the_defaults_of_the_papers():
    assert HingeLoss().margin == 1
    assert (FocalLoss().alpha, FocalLoss().gamma) == (0.25, 2)


@pytest.mark.parametrize("wrong", [0.0, 0.5, math.nan])
def test_targets_of_hinge_are_signs(wrong):
    with pytest.raises(cn.RangeError, match=rf"HingeLoss\(\) takes targets -1 and 1, got {wrong:g}; of 0 and 1 make"):
        HingeLoss()(torch.ones(2), torch.tensor([1.0, wrong]))


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan])
def test_targets_of_focal_are_probabilities(wrong):
    with pytest.raises(cn.RangeError, match=rf"FocalLoss\(\) takes targets in \[0, 1\], got {wrong:g}"):
        FocalLoss()(torch.ones(2), torch.tensor([1.0, wrong]))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: HingeLoss(math.nan), r"^HingeLoss: margin must be a finite number, not nan$"),
        (lambda: FocalLoss(1.5), r"^FocalLoss: alpha must lie in \[0, 1\], or be -1, not 1\.5$"),
        (lambda: FocalLoss(-0.5), r"^FocalLoss: alpha must lie in \[0, 1\], or be -1, not -0\.5$"),
        (lambda: FocalLoss(gamma=-1), r"^FocalLoss: gamma must be a finite number ≥ 0, not -1$"),
    ],
)
def test_wrong_settings_are_refused(build, message):
    with pytest.raises(cn.ConfigError, match=message):
        build()
