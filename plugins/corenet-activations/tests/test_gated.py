import math

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from corenet_activations import GELU, Hardswish, Mish, SiLU

quick = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
COUNTERPARTS = [
    (GELU, nn.GELU),
    (lambda: GELU("tanh"), lambda: nn.GELU("tanh")),
    (SiLU, nn.SiLU),
    (Mish, nn.Mish),
    (Hardswish, nn.Hardswish),
]
each = pytest.mark.parametrize(("ours", "theirs"), COUNTERPARTS, ids=[repr(ours()) for ours, _ in COUNTERPARTS])


@each
@quick
@given(shape=st.lists(st.integers(0, 5), max_size=4), scale=st.sampled_from([1, 3, 30]))
def test_equals_torch_in_any_shape(agrees, ours, theirs, shape, scale):
    agrees(ours(), theirs(), scale * torch.randn(shape, dtype=torch.float64))


@each
def test_what_is_far_out_is_as_in_torch(agrees, ours, theirs):
    agrees(ours(), theirs(), torch.tensor([-1e4, -800, -40, -3, -0.0, 0.0, 3, 40, 800, 1e4], dtype=torch.float64))


@each
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_lower_precision_is_within_a_few_of_its_roundings(agrees, ours, theirs, dtype):
    agrees(ours(), theirs(), torch.linspace(-5, 5, 101, dtype=dtype), tolerance=16 * torch.finfo(dtype).eps)


def test_the_two_forms_of_gelu_differ_by_a_little():
    input = torch.linspace(-4, 4, 81, dtype=torch.float64)
    gap = (GELU()(input) - GELU("tanh")(input)).abs().max().item()
    assert 1e-4 < gap < 1e-3


@pytest.mark.parametrize("form", ["Tanh", None, True])
def test_another_form_of_gelu_is_refused(form):
    with pytest.raises(cn.ConfigError, match=rf"^GELU: approximate must be 'none' or 'tanh', not {form!r}$"):
        GELU(form)


@each
def test_nan_stays_nan_and_integers_are_refused(ours, theirs):
    assert ours()(torch.tensor([math.nan, 1.0])).isnan().tolist() == [True, False]
    with pytest.raises(cn.DTypeError, match="takes floating-point input, got torch.int64; use input.float()"):
        ours()(torch.ones(2, dtype=torch.int64))
