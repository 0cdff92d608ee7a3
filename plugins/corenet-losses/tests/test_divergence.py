import math

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from corenet_losses import KLDivLoss

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning")  # torch's of its default
@quick
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    reduction=st.sampled_from(["batchmean", "mean", "sum", "none"]),
    log_target=st.booleans(),
)
def test_equals_torch_for_all_options(agrees, shape, reduction, log_target):
    input, target = (torch.randn(shape, dtype=torch.float64).log_softmax(-1) for _ in range(2))
    target = target if log_target else target.exp()
    agrees(KLDivLoss(reduction, log_target), nn.KLDivLoss(None, None, reduction, log_target), input, target)


def test_a_probability_of_0_counts_for_nothing(agrees):
    agrees(
        KLDivLoss("sum"), nn.KLDivLoss(reduction="sum"), torch.tensor([-2.0, -0.5]).double(), torch.eye(2)[0].double()
    )


def test_is_0_of_a_distribution_from_itself():
    p = torch.rand(4, 3, dtype=torch.float64)
    assert KLDivLoss("batchmean")(p.log(), p).item() == pytest.approx(0, abs=1e-15)


def test_batchmean_counts_as_a_mean_over_its_rows():
    loss = KLDivLoss("batchmean")
    p, x = torch.rand(6, 3), torch.rand(6, 3).log()
    pieces = [loss(x[part], p[part]).item() for part in (slice(0, 2), slice(2, 6))]
    assert loss(x, p).item() == pytest.approx((2 * pieces[0] + 4 * pieces[1]) / 6)
    assert loss.reduction == "mean"


def test_what_outputs_mean():
    output = torch.tensor([[0.25, 0.75]]).log()
    assert KLDivLoss().probabilities(output)[0].tolist() == pytest.approx([0.25, 0.75])
    assert KLDivLoss().predictions(output)[0].tolist() == pytest.approx([0.25, 0.75])
    assert torch.equal(KLDivLoss(log_target=True).predictions(output), output)


@pytest.mark.parametrize("wrong", [-0.5, math.nan])
def test_a_negative_probability_is_refused(wrong):
    with pytest.raises(
        cn.RangeError, match=rf"KLDivLoss\(\) takes targets that are no less than 0, got {wrong:g}; of log-"
    ):
        KLDivLoss()(torch.zeros(2), torch.tensor([1.0, wrong]))
    assert KLDivLoss(log_target=True)(torch.zeros(2), torch.tensor([-1.0, -0.5])).isfinite()


def test_a_number_is_a_row_of_its_own():
    pair = torch.tensor(-0.7), torch.tensor(0.4)
    assert KLDivLoss("batchmean")(*pair).item() == KLDivLoss()(*pair).item()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"reduction": "avg"}, r"^KLDivLoss: reduction must be 'batchmean', 'mean', 'sum' or 'none', not 'avg'$"),
        ({"log_target": 1}, r"^KLDivLoss: log_target must be True or False, not 1$"),
    ],
)
def test_wrong_settings_are_refused(arguments, message):
    with pytest.raises(cn.ConfigError, match=message):
        KLDivLoss(**arguments)


def test_shows_its_settings():
    assert repr(KLDivLoss("batchmean", True)) == "KLDivLoss('batchmean', log_target=True)"
    assert repr(KLDivLoss()) == "KLDivLoss()"
