"""The norm of all gradients, scaled down before the rule sees them: PyTorch's formula."""

import pytest
import torch
from torch.nn.utils import clip_grad_norm_

import corenet as cn
from corenet.contracts.apply import global_norm

SHAPES = ((3, 2), (5,), (2, 2), ())


def theirs_after(weights, max_norm, steps, **options):
    """Return where PyTorch goes with the gradients of ``fill_gradients``."""
    leaves = [torch.nn.Parameter(each.clone()) for each in weights]
    oracle = torch.optim.SGD(leaves, **options)
    for step in range(steps):
        generator = torch.Generator().manual_seed(step)
        for leaf in leaves:
            leaf.grad = torch.randn(leaf.shape, generator=generator, dtype=leaf.dtype)
        clip_grad_norm_(leaves, max_norm)
        oracle.step()
    return [leaf.detach() for leaf in leaves]


class Alone(cn.SGD):
    elementwise = False


@pytest.mark.parametrize("kind", [cn.SGD, Alone])
@pytest.mark.parametrize("max_norm", [0.37, 3.9, 1e6])  # always, in some steps, never
def test_gradients_are_clipped_as_pytorch_clips_them(kind, max_norm, parameters, fill_gradients):
    weights = parameters(*SHAPES)
    expected = theirs_after(weights, max_norm, 8, lr=0.1, momentum=0.9)
    optimizer = kind(weights, lr=0.1, momentum=0.9, max_grad_norm=max_norm)
    for step in range(8):
        fill_gradients(weights, step)
        optimizer.step()
    torch.testing.assert_close([each.data for each in weights], expected, rtol=1e-13, atol=1e-14)


def test_the_norm_is_of_all_groups_and_dtypes_together(parameters, fill_gradients):
    weights = [*parameters((3, 2), 5), *parameters(4, dtype=torch.float32)]
    before = [each.clone() for each in weights]
    groups = [{"params": weights[0]}, {"params": weights[1:], "lr": 0.5}]
    optimizer = cn.SGD(groups, lr=0.1, max_grad_norm=0.8)
    fill_gradients(weights)
    norm = sum(float(each.grad.double().square().sum()) for each in weights) ** 0.5
    assert norm > 0.8
    optimizer.step()
    for weight, old, rate in zip(weights, before, (0.1, 0.5, 0.5), strict=True):
        torch.testing.assert_close(weight.data, old - rate * 0.8 / (norm + 1e-6) * weight.grad)


def test_the_gradients_themselves_stay(parameters, fill_gradients):
    weights = parameters(*SHAPES)
    optimizer = cn.SGD(weights, lr=0.1, max_grad_norm=1e-3)
    fill_gradients(weights)
    before = [each.grad.clone() for each in weights]
    optimizer.step()
    assert all(torch.equal(each.grad, old) for each, old in zip(weights, before, strict=True))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_norm_of_half_precision_does_not_overflow(dtype, parameters):
    (weight,) = parameters(4, dtype=dtype)
    weight.grad.fill_(60000.0)
    assert global_norm([weight.grad]).item() == pytest.approx(120000, rel=1e-2)
    before = weight.clone()
    cn.SGD([weight], lr=1.0, max_grad_norm=2.0).step()
    assert weight.dtype == dtype
    torch.testing.assert_close(weight.data, before - 1, rtol=2e-2, atol=2e-2)


def test_it_may_be_assigned(parameters):
    (weight,) = parameters(4)
    optimizer = cn.SGD([weight], lr=1.0)
    assert optimizer.max_grad_norm is None
    optimizer.max_grad_norm = 3
    weight.grad.fill_(6.0)
    before = weight.clone()
    optimizer.step()
    torch.testing.assert_close(weight.data, before - 3 / (12 + 1e-6) * 6)


def test_frozen_parameters_do_not_count(mlp, fill_gradients):
    fill_gradients(mlp.parameters())
    mlp[0].freeze()
    optimizer = cn.SGD(mlp.parameters(), lr=1.0, max_grad_norm=0.25)
    before = mlp[2].weight.clone()
    norm = (mlp[2].weight.grad.square().sum() + mlp[2].bias.grad.square().sum()).sqrt()
    optimizer.step()
    torch.testing.assert_close(mlp[2].weight.data, before - 0.25 / (norm + 1e-6) * mlp[2].weight.grad)


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), "1"])
def test_what_is_no_norm_is_refused(value, parameters):
    with pytest.raises(cn.ConfigError, match="max_grad_norm must be"):
        cn.SGD(parameters(2), lr=0.1, max_grad_norm=value)
    optimizer = cn.SGD(parameters(2), lr=0.1, max_grad_norm=0.5)
    with pytest.raises(cn.ConfigError, match="max_grad_norm must be"):
        optimizer.max_grad_norm = value
    assert optimizer.max_grad_norm == 0.5
