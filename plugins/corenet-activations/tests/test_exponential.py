import math

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from corenet_activations import ELU, SELU

quick = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
shapes = st.lists(st.integers(0, 5), max_size=4)


@quick
@given(shape=shapes, alpha=st.floats(-3, 3), scale=st.sampled_from([1, 30]))
def test_elu_equals_torch_for_any_alpha(agrees, shape, alpha, scale):
    agrees(ELU(alpha), nn.ELU(alpha), scale * torch.randn(shape, dtype=torch.float64))


@quick
@given(shape=shapes, scale=st.sampled_from([1, 30]))
def test_selu_equals_torch(agrees, shape, scale):
    agrees(SELU(), nn.SELU(), scale * torch.randn(shape, dtype=torch.float64))


@pytest.mark.parametrize(("ours", "theirs"), [(ELU(0.3), nn.ELU(0.3)), (SELU(), nn.SELU())], ids=repr)
def test_the_kink_and_what_is_far_out_are_as_in_torch(agrees, ours, theirs):
    agrees(ours, theirs, torch.tensor([-math.inf, -1e300, -0.0, 0.0, 1e-300, 710, 1e300, math.inf]).double())


def test_small_inputs_keep_their_digits(agrees):
    agrees(ELU(2.0), nn.ELU(2.0), torch.tensor([-1e-12, -3e-17], dtype=torch.float64), tolerance=1e-26)


def test_selu_keeps_mean_0_and_variance_1():
    output = SELU()(torch.randn(1_000_000, dtype=torch.float64))
    assert output.mean().item() == pytest.approx(0, abs=5e-3)
    assert output.var().item() == pytest.approx(1, abs=1e-2)


def test_alpha_has_the_default_of_torch():
    assert ELU().alpha == nn.ELU().alpha


@pytest.mark.parametrize("alpha", [math.nan, math.inf, "1", None])
def test_alpha_must_be_finite(alpha):
    with pytest.raises(cn.ConfigError, match=rf"^ELU: alpha must be a finite number, not {alpha!r}$"):
        ELU(alpha)


@pytest.mark.parametrize("module", [ELU(), SELU()], ids=repr)
def test_integers_are_refused(module):
    with pytest.raises(cn.DTypeError, match="takes floating-point input, got torch.int64; use input.float()"):
        module(torch.ones(2, dtype=torch.int64))
