"""What the tests share: trajectories of weights by gradients that are drawn, ours and PyTorch's."""

from types import SimpleNamespace

import corenet as cn
import pytest
import torch

SHAPES = (3, 2), (5,), (1, 3), ()
STEPS = 50


def drawn(seed, dtype=torch.float64, shapes=SHAPES):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]


def gradients(step, dtype=torch.float64, shapes=SHAPES):
    """Return gradients of which some are a hundred times as large as others, and some numbers are 0."""
    scale = 0.05 if step % 3 else 5.0
    return [each * scale * (each.abs() > 0.1) for each in drawn(100 + step, dtype, shapes)]


def trajectory(optimizer, weights, before_step=lambda step: None, steps=STEPS):
    """Return the weights after each step."""
    dtype, shapes, found = weights[0].dtype, [each.shape for each in weights], []
    for step in range(steps):
        for weight, grad in zip(weights, gradients(step, dtype, shapes), strict=True):
            weight.grad = grad
        before_step(step)
        optimizer.step()
        found.append(torch.cat([weight.detach().reshape(-1) for weight in weights]))
    return torch.stack(found)


def ours(make, dtype=torch.float64, shapes=SHAPES):
    """Return the trajectory of an optimizer of ours, which ``make`` makes of parameters."""
    weights = [cn.Parameter(each) for each in drawn(0, dtype, shapes)]
    return trajectory(make(weights), weights)


def theirs(make, dtype=torch.float64, shapes=SHAPES, before_step=lambda weights, optimizer, step: None):
    """Return the trajectory of one of PyTorch's, which counts in float64 then."""
    weights = [torch.nn.Parameter(each) for each in drawn(0, dtype, shapes)]
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        optimizer = make(weights)
        return trajectory(optimizer, weights, lambda step: before_step(weights, optimizer, step))
    finally:
        torch.set_default_dtype(usual)


@pytest.fixture
def paths():
    """Return what draws the numbers of a trajectory, and what follows it."""
    return SimpleNamespace(drawn=drawn, gradients=gradients, ours=ours, theirs=theirs, steps=range(STEPS))


@pytest.fixture
def agrees():
    """Return a comparison of one of our optimizers with PyTorch's of the same name, with the same options."""

    def compare(kind, dtype=torch.float64, shapes=SHAPES, tolerance=1e-12, grouped=lambda own: own, **options):
        counterpart = getattr(torch.optim, kind.__name__)
        mine = ours(lambda own: kind(grouped(own), **options), dtype, shapes)
        other = theirs(lambda own: counterpart(grouped(own), **options), dtype, shapes)
        assert mine.dtype == dtype
        torch.testing.assert_close(mine, other, rtol=tolerance, atol=tolerance)
        assert (mine[-1] - mine[0]).abs().max() > 1e-4

    return compare
