import math

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from corenet_activations import Softplus, Softsign

quick = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
shapes = st.lists(st.integers(0, 5), max_size=4)
FAR = [-1e300, -800, -40, -0.0, 0.0, 19.9, 20, 20.1, 800, 1e300]


@quick
@given(shape=shapes, beta=st.one_of(st.floats(0.1, 4), st.floats(-4, -0.1)), threshold=st.floats(-3, 30))
def test_softplus_equals_torch_for_any_beta_and_threshold(agrees, shape, beta, threshold):
    input = 10 * torch.randn(shape, dtype=torch.float64)
    agrees(Softplus(beta, threshold), nn.Softplus(beta, threshold), input)


@quick
@given(shape=shapes, scale=st.sampled_from([1, 30]))
def test_softsign_equals_torch(agrees, shape, scale):
    agrees(Softsign(), nn.Softsign(), scale * torch.randn(shape, dtype=torch.float64))


@pytest.mark.parametrize(("ours", "theirs"), [(Softplus(), nn.Softplus()), (Softsign(), nn.Softsign())], ids=repr)
def test_the_threshold_and_what_is_far_out_are_as_in_torch(agrees, ours, theirs):
    agrees(ours, theirs, torch.tensor(FAR, dtype=torch.float64))


def test_softplus_has_the_defaults_of_torch():
    assert (Softplus().beta, Softplus().threshold) == (nn.Softplus().beta, nn.Softplus().threshold)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": 0}, r"^Softplus: beta must not be 0, as it divides$"),
        ({"beta": math.nan}, r"^Softplus: beta must be a finite number, not nan$"),
        ({"threshold": "20"}, r"^Softplus: threshold must be a finite number, not '20'$"),
    ],
)
def test_wrong_settings_are_refused(arguments, message):
    with pytest.raises(cn.ConfigError, match=message):
        Softplus(**arguments)


@pytest.mark.parametrize("module", [Softplus(), Softsign()], ids=repr)
def test_nan_stays_nan_and_integers_are_refused(module):
    assert module(torch.tensor([math.nan, 1.0])).isnan().tolist() == [True, False]
    with pytest.raises(cn.DTypeError, match="takes floating-point input, got torch.int64; use input.float()"):
        module(torch.ones(2, dtype=torch.int64))
