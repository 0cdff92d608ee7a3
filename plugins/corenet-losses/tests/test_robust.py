import math

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from corenet_losses import HuberLoss, SmoothL1Loss

quick = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
shapes = st.lists(st.integers(1, 5), max_size=4)
reductions = st.sampled_from(["mean", "sum", "none"])


def pair(shape):
    return 2 * torch.randn(shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64)


@quick
@given(shape=shapes, reduction=reductions, delta=st.floats(0.05, 4))
def test_huber_equals_torch(agrees, shape, reduction, delta):
    agrees(HuberLoss(reduction, delta), nn.HuberLoss(reduction, delta), *pair(shape))


@quick
@given(shape=shapes, reduction=reductions, beta=st.one_of(st.just(0.0), st.floats(0.05, 4)))
def test_smooth_l1_equals_torch(agrees, shape, reduction, beta):
    agrees(SmoothL1Loss(reduction, beta), nn.SmoothL1Loss(beta=beta, reduction=reduction), *pair(shape))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (HuberLoss(delta=0.5), nn.HuberLoss(delta=0.5)),
        (SmoothL1Loss(), nn.SmoothL1Loss()),
        (SmoothL1Loss(beta=0.5), nn.SmoothL1Loss(beta=0.5)),
        (SmoothL1Loss(beta=0), nn.SmoothL1Loss(beta=0)),
    ],
)
def test_joints_and_what_is_far_out_are_as_in_torch(agrees, ours, theirs):
    input = torch.tensor([-1e150, -0.5, 0.0, 0.25, 0.5, 1e150], dtype=torch.float64)
    agrees(ours, theirs, input, torch.zeros_like(input))


@pytest.mark.parametrize("loss", [HuberLoss("none", 0.5), SmoothL1Loss("none", 0.5)], ids=["huber", "smooth_l1"])
def test_half_precision_is_computed_in_float32(loss):
    input, target = torch.tensor([100.0, 0.25], dtype=torch.float16), torch.tensor([-100.0, 0.0], dtype=torch.float16)
    value = loss(input, target)
    assert value.dtype == torch.float32
    assert torch.equal(value, type(loss)("none", 0.5)(input.float(), target.float()))
    assert loss.backward().dtype == torch.float16


def test_constructors_have_the_defaults_of_torch():
    assert (HuberLoss().delta, HuberLoss().reduction) == (nn.HuberLoss().delta, "mean")
    assert (SmoothL1Loss().beta, SmoothL1Loss().reduction) == (nn.SmoothL1Loss().beta, "mean")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: HuberLoss(delta=0), r"^HuberLoss: delta must be a finite number > 0, not 0$"),
        (lambda: HuberLoss(delta=math.inf), r"^HuberLoss: delta must be a finite number > 0, not inf$"),
        (lambda: SmoothL1Loss(beta=-0.1), r"^SmoothL1Loss: beta must be a finite number ≥ 0, not -0\.1$"),
        (lambda: SmoothL1Loss(beta=True), r"^SmoothL1Loss: beta must be a finite number ≥ 0, not True$"),
        (lambda: HuberLoss("avg"), r"reduction must be 'mean', 'sum' or 'none', not 'avg'"),
    ],
)
def test_wrong_settings_are_refused(build, message):
    with pytest.raises(cn.ConfigError, match=message):
        build()


@pytest.mark.parametrize("loss", [HuberLoss(), SmoothL1Loss()], ids=repr)
def test_nothing_is_broadcast(loss):
    with pytest.raises(cn.ShapeError, match=r"got \(4,\); expected the target's shape \(4, 1\)"):
        loss(torch.ones(4), torch.ones(4, 1))
