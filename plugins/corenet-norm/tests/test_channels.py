"""Batch and instance normalisation, with PyTorch's as the oracle."""

import corenet as cn
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from corenet_norm import BatchNorm1d, BatchNorm2d, InstanceNorm2d

quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
PAIRS = [(each, getattr(torch.nn, each.__name__)) for each in (BatchNorm1d, BatchNorm2d, InstanceNorm2d)]
OPTIONS = st.fixed_dictionaries(
    {
        "eps": st.sampled_from([1e-5, 1e-3, 0.7]),
        "momentum": st.one_of(st.none(), st.floats(0.0, 1.0)),
        "affine": st.booleans(),
        "track_running_stats": st.booleans(),
    }
)


@quick
@given(pair=st.sampled_from(PAIRS), options=OPTIONS, channels=st.integers(1, 5), data=st.data())
def test_values_gradients_and_running_statistics_are_pytorchs(agrees, pair, options, channels, data):
    ours, theirs = pair
    count, length, height = (data.draw(st.integers(1, 6)) for _ in range(3))
    shapes = {
        BatchNorm1d: [(count, channels), (count, channels, length)],
        BatchNorm2d: [(count, channels, length, height)],
        InstanceNorm2d: [(count, channels, length, height), (channels, length, height)],
    }
    shape = data.draw(st.sampled_from(shapes[ours]))
    module = ours(channels, **options)
    try:
        module(torch.zeros(shape))
    except cn.ShapeError:
        with pytest.raises(ValueError, match="Expected more than 1"):
            theirs(channels, **options)(torch.zeros(shape))
        assume(False)
    module.forget()
    agrees(module, theirs(channels, **options), *shape)


@pytest.mark.parametrize("momentum", [None, 0.25])
def test_the_running_statistics_are_means_over_batches(momentum):
    norm = BatchNorm1d(2, momentum=momentum, dtype=torch.float64)
    batches = [torch.randn(5, 2, dtype=torch.float64) for _ in range(3)]
    mean, variance = torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    for step, batch in enumerate(batches, 1):
        norm(batch)
        norm.forget()
        rate = momentum or 1 / step
        mean = (1 - rate) * mean + rate * batch.mean(0)
        variance = (1 - rate) * variance + rate * batch.var(0)
    torch.testing.assert_close([norm.running_mean, norm.running_var], [mean, variance])
    assert norm.num_batches_tracked.item() == 3
    norm.reset_running_stats()
    assert [value.tolist() for value in norm.state_dict().values()][2:] == [[0, 0], [1, 1], 0]


def test_a_frozen_module_keeps_its_statistics_and_hands_on_its_gradient():
    norm = BatchNorm2d(3, dtype=torch.float64)
    for each in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        each.uniform_(0.5, 2.5)
    before = norm.state_dict()
    norm.freeze().train()
    input = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    upstream = torch.randn_like(norm(input))
    found = norm.backward(upstream)
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    torch.testing.assert_close(found, upstream * scale.view(3, 1, 1))
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())
    assert not any(parameter.grad.any() for parameter in norm.parameters())


def test_a_batch_without_samples_teaches_nothing():
    norm = BatchNorm2d(2)
    assert norm.backward(norm(torch.zeros(0, 2, 3, 3))).shape == (0, 2, 3, 3)
    assert (norm.running_mean.tolist(), norm.running_var.tolist()) == ([0, 0], [1, 1])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS[1:])
def test_half_precision_is_rounded_at_the_end_only(ours, theirs, dtype):
    module = ours(3, affine=True, track_running_stats=True, dtype=dtype)
    exact = theirs(3, affine=True, track_running_stats=True).double()
    input = (100 + torch.randn(4, 3, 5, 5)).to(dtype)
    leaf = input.double().requires_grad_()
    expected, found = exact(leaf), module(input)
    upstream = torch.randn_like(found)
    expected.backward(upstream.double())
    assert found.dtype == module.running_mean.dtype == dtype
    close = {"rtol": 2 * torch.finfo(dtype).eps, "atol": 1e-3, "check_dtype": False}
    torch.testing.assert_close(found, expected.detach(), **close)
    torch.testing.assert_close(module.backward(upstream), leaf.grad, **close)
    torch.testing.assert_close(module.running_mean, exact.running_mean, **close)
    torch.testing.assert_close(module.weight.grad, exact.weight.grad, **close)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchNorm1d(0), r"^BatchNorm1d: num_features must be an integer ≥ 1, not 0$"),
        (lambda: BatchNorm2d(3, eps=-1.0), r"^BatchNorm2d: eps must be a number ≥ 0, not -1\.0$"),
        (lambda: BatchNorm2d(3, momentum=1.5), r"^BatchNorm2d: momentum must be a number in \[0, 1\], not 1\.5$"),
        (lambda: InstanceNorm2d(3, eps=float("nan")), r"^InstanceNorm2d: eps must be a number ≥ 0, not nan$"),
        (lambda: InstanceNorm2d(2.0), r"^InstanceNorm2d: num_features must be an integer ≥ 1, not 2\.0$"),
    ],
)
def test_arguments_that_cannot_work_are_refused(make, message):
    with pytest.raises(cn.ConfigError, match=message):
        make()


@pytest.mark.parametrize(
    ("norm", "shape", "message"),
    [
        (BatchNorm1d(3), (5, 4), r"^BatchNorm1d\(3\) got \(5, 4\); expected \(N, C\) or \(N, C, L\) with C = 3$"),
        (BatchNorm1d(3), (5, 3, 2, 2), r"expected \(N, C\) or \(N, C, L\) with C = 3$"),
        (BatchNorm2d(3), (3, 5, 5), r"^BatchNorm2d\(3\) got \(3, 5, 5\); expected \(N, C, H, W\) with C = 3$"),
        (InstanceNorm2d(3), (2, 4, 5, 5), r"expected \(N, C, H, W\) or \(C, H, W\) with C = 3$"),
        (InstanceNorm2d(3), (2, 3, 1, 1), r"expected more than one value for a mean and a variance$"),
        (BatchNorm1d(3), (1, 3), r"expected more than one value for a mean and a variance$"),
    ],
)
def test_inputs_that_cannot_be_taken_are_refused(norm, shape, message):
    before = norm.state_dict()
    with pytest.raises(cn.ShapeError, match=message):
        norm(torch.zeros(shape))
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())


def test_one_sample_is_taken_in_evaluation():
    assert BatchNorm1d(3).eval()(torch.full((1, 3), 2.5)).shape == (1, 3)


def test_another_dtype_is_refused():
    for norm in (BatchNorm2d(2), BatchNorm2d(2, affine=False)):
        with pytest.raises(cn.DTypeError, match=r"torch\.float64 input"):
            norm(torch.zeros(1, 2, 2, 2, dtype=torch.float64))


def test_what_is_not_usual_is_shown():
    assert repr(BatchNorm2d(3)) == "BatchNorm2d(3)"
    assert repr(BatchNorm1d(3, 0.1, None, bias=False)) == "BatchNorm1d(3, eps=0.1, momentum=None, bias=False)"
    assert repr(InstanceNorm2d(3, affine=True)) == "InstanceNorm2d(3, affine=True)"
