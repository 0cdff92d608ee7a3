import math

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from corenet_losses import GaussianNLLLoss, PoissonNLLLoss

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4)
reductions = st.sampled_from(["mean", "sum", "none"])


@quick
@given(
    shape=shapes, reduction=reductions, log_input=st.booleans(), full=st.booleans(), eps=st.sampled_from([1e-8, 0.3])
)
def test_poisson_equals_torch_for_all_options(agrees, shape, reduction, log_input, full, eps):
    input = torch.randn(shape, dtype=torch.float64)
    input = input if log_input else input.abs()
    target = torch.randint(6, shape).double()
    theirs = nn.PoissonNLLLoss(log_input, full, None, eps, None, reduction)
    agrees(PoissonNLLLoss(log_input, full, eps, reduction), theirs, input, target)


@quick
@given(
    shape=shapes,
    form=st.sampled_from(["each", "row", "row of 1", "column"]),
    reduction=reductions,
    full=st.booleans(),
    eps=st.sampled_from([1e-6, 0.5]),
)
def test_gaussian_equals_torch_for_all_options(agrees, shape, form, reduction, full, eps):
    mean, target = torch.randn(shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64)
    shape_of = {"each": shape, "row": shape[:-1], "row of 1": [*shape[:-1], 1], "column": [1, *shape[1:]]}
    variance = torch.rand(shape_of[form], dtype=torch.float64) + 0.01
    theirs = nn.GaussianNLLLoss(full=full, eps=eps, reduction=reduction)
    agrees(GaussianNLLLoss(full, eps, reduction), theirs, (mean, variance), target)


def test_a_variance_of_0_is_as_in_torch(agrees):
    mean, variance, target = torch.tensor([[1.0, 2.0], [0.0, 3.0], [0.5, 2.5]]).double()
    variance[0] = 0
    agrees(GaussianNLLLoss(eps=0.1), nn.GaussianNLLLoss(eps=0.1), (mean, variance), target)


@pytest.mark.parametrize("loss", [GaussianNLLLoss(full=True), GaussianNLLLoss(reduction="sum")], ids=["mean", "sum"])
def test_both_gradients_of_the_gaussian_agree_with_differences(loss):
    pair = torch.randn(4, 3), torch.rand(4, 3) + 0.5
    assert cn.gradcheck(loss, pair, torch.randn(4, 3)).ok


def test_outputs_predict_rates_and_means():
    assert PoissonNLLLoss().predictions(torch.tensor([0.0, math.log(3)])).tolist() == pytest.approx([1, 3])
    assert PoissonNLLLoss(log_input=False).predictions(torch.tensor([2.0])).tolist() == [2]
    assert GaussianNLLLoss().predictions((torch.tensor([1.0]), torch.tensor([4.0]))).tolist() == [1]


def test_half_precision_is_computed_in_float32():
    mean, variance, target = torch.randn(4, 3).half(), torch.rand(4).half() + 0.1, torch.randn(4, 3).half()
    loss = GaussianNLLLoss()
    assert loss((mean, variance), target).dtype == torch.float32
    assert [each.dtype for each in loss.backward()] == [torch.float16, torch.float16]
    expected = GaussianNLLLoss()((mean.float(), variance.float()), target.float())
    assert loss((mean, variance), target).item() == expected.item()


@pytest.mark.parametrize("wrong", [-0.5, math.nan])
def test_what_is_no_rate_and_what_is_no_variance_is_refused(wrong):
    wrong = torch.tensor([1.0, wrong])
    with pytest.raises(
        cn.RangeError, match=rf"PoissonNLLLoss\(\) takes rates that are no less than 0, got {wrong[1]:g}"
    ):
        PoissonNLLLoss(log_input=False)(wrong, torch.ones(2))
    assert PoissonNLLLoss()(torch.tensor([-0.5, 1]), torch.ones(2)).isfinite()
    with pytest.raises(
        cn.RangeError, match=rf"GaussianNLLLoss\(\) takes variances .* no less than 0, got {wrong[1]:g}"
    ):
        GaussianNLLLoss()((torch.ones(2), wrong), torch.ones(2))


@pytest.mark.parametrize(
    ("input", "target", "error", "message"),
    [
        (torch.ones(2), torch.ones(2), cn.StructureError, r"takes a tuple \(means, variances\) as input, got none"),
        ((torch.ones(2),) * 3, torch.ones(2), cn.StructureError, "got a tuple of 3"),
        (
            (torch.ones(2, 3), torch.ones(3)),
            torch.ones(2, 3),
            cn.ShapeError,
            r"variance got \(3,\); expected the shape of",
        ),
        (
            (torch.ones(2), torch.ones(2)),
            torch.ones(2, 1),
            cn.ShapeError,
            r"target got \(2, 1\); expected the shape of mean",
        ),
        (
            (torch.ones(2), torch.ones(2).double()),
            torch.ones(2),
            cn.DTypeError,
            r"float32 mean and torch\.float64 variance",
        ),
        (
            (torch.ones(2).int(), torch.ones(2)),
            torch.ones(2),
            cn.DTypeError,
            r"floating-point mean, got torch\.int32; use mean\.float",
        ),
        ((torch.ones(0), torch.ones(0)), torch.ones(0), cn.ShapeError, "the mean of an empty batch is undefined"),
    ],
)
def test_what_does_not_fit_is_refused(input, target, error, message):
    with pytest.raises(error, match=message):
        GaussianNLLLoss()(input, target)


@pytest.mark.parametrize("make", [PoissonNLLLoss, GaussianNLLLoss])
@pytest.mark.parametrize("eps", [0, -1.0, math.inf, None])
def test_eps_is_positive(make, eps):
    with pytest.raises(cn.ConfigError, match=rf"^{make.__name__}: eps must be a finite number > 0, not {eps!r}$"):
        make(eps=eps)


def test_poisson_of_small_rates_is_pytorchs_by_default(agrees):
    rates = torch.tensor([0.0, 1e-9, 1e-8, 0.5], dtype=torch.float64)
    counts = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
    agrees(PoissonNLLLoss(log_input=False), torch.nn.PoissonNLLLoss(log_input=False), rates, counts)
