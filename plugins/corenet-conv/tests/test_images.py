"""Padding and upsampling, with PyTorch's as the oracle."""

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corenet_conv import Unflatten, Upsample, ZeroPad2d
from corenet_conv.padding import pad, pad_backward

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
sizes = st.integers(1, 9)
factors = st.floats(0.3, 4.0)


def one_or_two(values):
    return st.one_of(values, st.tuples(values, values))


@quick
@given(
    padding=st.one_of(st.integers(-2, 3), st.tuples(*[st.integers(-2, 3)] * 4)),
    leading=st.sampled_from([(2,), (3, 2)]),
    shape=st.tuples(st.integers(5, 8), st.integers(5, 8)),
)
def test_padding_and_its_gradient_are_pytorchs(agrees, padding, leading, shape):
    agrees(ZeroPad2d(padding), torch.nn.ZeroPad2d(padding), *leading, *shape)


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("amounts", [[(2, 1)], [(0, 3), (2, 2)]])
def test_each_way_to_pad_has_the_values_and_gradient_of_pytorch(mode, amounts):
    input = torch.randn(2, 3, 5, 4, dtype=torch.float64)
    leaf = input.clone().requires_grad_()
    flat = [amount for both in reversed(amounts) for amount in both]
    if mode != "zeros" and len(amounts) == 1:
        leaf, input = leaf[0], input[0]
    expected = torch.nn.functional.pad(leaf, flat, "constant" if mode == "zeros" else mode)
    u = torch.randn_like(expected)
    torch.testing.assert_close(pad(input, amounts, mode), expected.detach())
    (gradient,) = torch.autograd.grad(expected, leaf, u)
    torch.testing.assert_close(pad_backward(u, amounts, mode), gradient)


@quick
@given(
    wanted=st.one_of(
        st.fixed_dictionaries({"size": one_or_two(sizes)}),
        st.fixed_dictionaries(
            {"scale_factor": one_or_two(factors), "recompute_scale_factor": st.sampled_from([None, True, False])}
        ),
    ),
    mode=st.sampled_from(
        [
            {},
            {"mode": "bilinear"},
            {"mode": "bilinear", "align_corners": True},
            {"mode": "bilinear", "align_corners": False},
        ]
    ),
    shape=st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(4, 9), st.integers(4, 9)),
)
def test_upsampling_and_its_gradient_are_pytorchs(agrees, wanted, mode, shape):
    agrees(Upsample(**wanted, **mode), torch.nn.Upsample(**wanted, **mode), *shape)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("factor", [1.125, 2.1, (1.2, 2.2)])
def test_the_same_and_the_double_size_are_pytorchs_whatever_the_factor(agrees, factor, mode):
    ours, theirs = (made(scale_factor=factor, mode=mode) for made in (Upsample, torch.nn.Upsample))
    agrees(ours, theirs, 2, 1, 4, 4)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10, 28])
def test_the_nearest_is_pytorchs_at_every_ratio(size):
    input = torch.arange(size, dtype=torch.float32).expand(1, 1, 1, size)
    for count in range(1, 100):
        expected = torch.nn.Upsample((1, count))(input)
        assert torch.equal(Upsample((1, count))(input), expected), count


def test_an_infinite_element_stays_where_it_is():
    image = torch.zeros(1, 1, 4, 4)
    image[0, 0, 1, 1] = float("inf")
    for mode in ({}, {"mode": "bilinear"}):
        output = Upsample(scale_factor=3, **mode)(image)
        assert output[0, 0, 4, 4].isinf() or mode
        assert not output[..., 9:].any()
        assert not output[..., 9:, :].any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_finds_the_points_of_a_large_image(dtype):
    image = torch.rand(1, 1, 1, 600).to(dtype)
    ours, theirs = (each((1, 900), mode="bilinear") for each in (Upsample, torch.nn.Upsample))
    output = ours(image)
    assert output.dtype == dtype
    torch.testing.assert_close(output, theirs(image), rtol=1e-2, atol=1e-2)
    assert ours.backward(output).dtype == dtype


def test_an_empty_batch_is_taken():
    for module in (Upsample(scale_factor=2), ZeroPad2d(1)):
        output = module(torch.zeros(0, 2, 3, 4))
        assert output.shape[0] == 0
        assert module.backward(output).shape == (0, 2, 3, 4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ZeroPad2d((1, 2)), r"^ZeroPad2d: padding must be an integer or 4 of them, not \(1, 2\)$"),
        (lambda: Upsample(), r"^Upsample: size and scale_factor must be one number or pair, and one None"),
        (lambda: Upsample(3, 2.0), r"^Upsample: size and scale_factor must be .* one None, not \(3, 2\.0\)$"),
        (lambda: Upsample((3, 0)), r"^Upsample: size must be an integer ≥ 1 or 2 of them, not \(3, 0\)$"),
        (
            lambda: Upsample(scale_factor=-1),
            r"^Upsample: scale_factor must be a positive number or two of them, not -1$",
        ),
        (
            lambda: Upsample(scale_factor=float("nan")),
            r"scale_factor must be a positive number or two of them, not nan$",
        ),
        (lambda: Upsample(2, mode="cubic"), r"^Upsample: mode must be one of nearest, bilinear, not 'cubic'$"),
        (lambda: Upsample(2, align_corners=True), r"^Upsample: align_corners is for mode='bilinear' only, not True$"),
        (lambda: Upsample(2, recompute_scale_factor=True), r"recompute_scale_factor needs a scale_factor, not True$"),
    ],
)
def test_arguments_that_cannot_work_are_refused(make, message):
    with pytest.raises(cn.ConfigError, match=message):
        make()


@pytest.mark.parametrize(
    ("module", "shape", "message"),
    [
        (
            ZeroPad2d((-2, -1, 0, 0)),
            (1, 2, 3),
            r"^ZeroPad2d\(\(-2, -1, 0, 0\)\) got \(1, 2, 3\); padding leaves .* 2 × 0",
        ),
        (ZeroPad2d(1), (2, 3), r"expected \(N, C, H, W\) or \(C, H, W\)$"),
        (
            Upsample(2),
            (1, 2, 3),
            r"^Upsample\(size=\(2, 2\), mode='nearest'\) got \(1, 2, 3\); expected \(N, C, H, W\)$",
        ),
        (Upsample(scale_factor=0.4), (1, 1, 2, 5), r"expected one element or more, in the output too$"),
    ],
)
def test_inputs_that_cannot_be_taken_are_refused(module, shape, message):
    with pytest.raises(cn.ShapeError, match=message):
        module(torch.zeros(shape))


@pytest.mark.parametrize(
    ("dim", "size", "shape"),
    [(1, (1, 4, 4), (3, 16)), (-1, (2, -1), (3, 5, 6)), (0, (2, 3), (6, 4)), (1, [4], (2, 4)), (1, (2, 3), (0, 6))],
)
def test_several_dimensions_for_one_and_their_gradient_are_pytorchs(agrees, dim, size, shape):
    agrees(Unflatten(dim, size), torch.nn.Unflatten(dim, size), *shape)


@pytest.mark.parametrize(
    ("dim", "size", "shape", "message"),
    [
        (1, (2, 3), (2, 5), r"Unflatten\(1, \(2, 3\)\) got \(2, 5\); expected 6 in dimension 1"),
        (1, (2, -1), (2, 5), "expected a multiple of 2 in dimension 1"),
        (2, (2, 3), (2, 6), "expected a dimension 2"),
        (1.0, (2, 3), (), "dim must be an integer, not 1.0"),
        (1, (-1, -1), (), r"of which one may be -1, not \(-1, -1\)"),
        (1, 6, (), "unflattened_size must be integers"),
    ],
)
def test_what_cannot_be_unflattened_is_said_in_a_line(dim, size, shape, message):
    with pytest.raises((cn.ShapeError, cn.ConfigError), match=message):
        Unflatten(dim, size)(torch.zeros(shape))
