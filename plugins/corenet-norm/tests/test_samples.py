"""Layer, group and RMS normalisation, with PyTorch's as the oracle."""

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from corenet_norm import GroupNorm, LayerNorm, RMSNorm

quick = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
dims = st.lists(st.integers(1, 5), min_size=1, max_size=2)
leading = st.lists(st.integers(1, 4), max_size=2)
eps = st.sampled_from([1e-5, 1e-3, 0.7])


@quick
@given(shape=dims, leading=leading, eps=eps, affine=st.booleans(), bias=st.booleans())
def test_layer_norm_is_pytorchs(agrees, shape, leading, eps, affine, bias):
    ours, theirs = (each(shape, eps, affine, bias) for each in (LayerNorm, torch.nn.LayerNorm))
    agrees(ours, theirs, *leading, *shape)


@quick
@given(shape=dims, leading=leading, eps=st.one_of(st.none(), eps), affine=st.booleans())
def test_rms_norm_is_pytorchs(agrees, shape, leading, eps, affine):
    ours, theirs = (each(shape, eps, affine) for each in (RMSNorm, torch.nn.RMSNorm))
    agrees(ours, theirs, *leading, *shape)


@quick
@given(
    groups=st.integers(1, 3),
    each=st.integers(1, 3),
    count=st.integers(1, 4),
    places=st.lists(st.integers(1, 4), max_size=3),
    eps=eps,
    affine=st.booleans(),
)
def test_group_norm_is_pytorchs(agrees, groups, each, count, places, eps, affine):
    shape = count, groups * each, *places
    assume(torch.Size(shape[1:]).numel() > groups)
    agrees(*(made(groups, groups * each, eps, affine) for made in (GroupNorm, torch.nn.GroupNorm)), *shape)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("arguments", [(LayerNorm, 6), (RMSNorm, 6), (GroupNorm, 2, 6)])
@pytest.mark.parametrize("magnitude", [1.0, 1e-3])
def test_other_dtypes_are_as_exact_as_pytorchs(arguments, dtype, magnitude):
    ours, *sizes = arguments
    module, other = ours(*sizes, dtype=dtype), getattr(torch.nn, ours.__name__)(*sizes, dtype=dtype)
    input = (magnitude * torch.randn(4, 6)).to(dtype)
    leaf = input.clone().requires_grad_()
    expected, found = other(leaf), module(input)
    upstream = torch.randn_like(expected)
    expected.backward(upstream)
    assert found.dtype == dtype
    close = {"rtol": 16 * torch.finfo(dtype).eps, "atol": 16 * torch.finfo(dtype).eps}
    torch.testing.assert_close(found, expected.detach(), **close)
    large = leaf.grad.abs().max().item()
    torch.testing.assert_close(module.backward(upstream) / large, leaf.grad / large, **close)
    torch.testing.assert_close(module.weight.grad, other.weight.grad, rtol=close["rtol"], atol=4 * close["atol"])


@pytest.mark.parametrize("module", [LayerNorm((2, 3)), RMSNorm((2, 3)), GroupNorm(1, 2)])
def test_an_empty_batch_is_taken(module):
    assert module.backward(module(torch.zeros(0, 2, 3))).shape == (0, 2, 3)
    assert not any(parameter.grad.any() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LayerNorm(0), r"^LayerNorm: normalized_shape must be an integer ≥ 1, not 0$"),
        (lambda: LayerNorm(()), r"^LayerNorm: normalized_shape must have one dimension or more, not \(\)$"),
        (lambda: RMSNorm((2, "3")), r"^RMSNorm: normalized_shape must be an integer ≥ 1, not '3'$"),
        (lambda: RMSNorm(3, eps=-1e-3), r"^RMSNorm: eps must be a number ≥ 0, not -0\.001$"),
        (lambda: GroupNorm(4, 6), r"^GroupNorm: num_groups must divide num_channels=6, not 4$"),
        (lambda: GroupNorm(True, 6), r"^GroupNorm: num_groups must be an integer ≥ 1, not True$"),
    ],
)
def test_arguments_that_cannot_work_are_refused(make, message):
    with pytest.raises(cn.ConfigError, match=message):
        make()


@pytest.mark.parametrize(
    ("norm", "shape", "message"),
    [
        (
            LayerNorm((2, 3)),
            (4, 3, 2),
            r"^LayerNorm\(\(2, 3\), eps=1e-05\) got \(4, 3, 2\); expected last dimensions \(2, 3\)",
        ),
        (LayerNorm((2, 3)), (3,), r"expected last dimensions \(2, 3\)$"),
        (RMSNorm(3), (3, 2), r"^RMSNorm\(\(3,\)\) got \(3, 2\); expected last dimensions \(3,\)$"),
        (GroupNorm(2, 4), (5, 3), r"^GroupNorm\(2, 4, eps=1e-05\) got \(5, 3\); expected \(N, C, …\) with C = 4$"),
        (GroupNorm(2, 4), (4,), r"expected \(N, C, …\) with C = 4$"),
    ],
)
def test_inputs_that_cannot_be_taken_are_refused(norm, shape, message):
    with pytest.raises(cn.ShapeError, match=message):
        norm(torch.zeros(shape))


@pytest.mark.parametrize("norm", [LayerNorm(3), RMSNorm(3), GroupNorm(1, 3)])
def test_another_dtype_is_refused(norm):
    with pytest.raises(cn.DTypeError, match=r"has torch\.float32 parameters and got torch\.float64 input"):
        norm(torch.zeros(2, 3, dtype=torch.float64))


def test_what_is_not_usual_is_shown():
    assert repr(LayerNorm(3, bias=False)) == "LayerNorm((3,), eps=1e-05, bias=False)"
    assert repr(RMSNorm(3, 0.1, elementwise_affine=False)) == "RMSNorm((3,), eps=0.1, elementwise_affine=False)"
    assert repr(GroupNorm(1, 2, affine=False)) == "GroupNorm(1, 2, eps=1e-05, affine=False)"
